"""The work itself: jobs, money, policy and queue; knows neither Discord nor HTTP."""
