# The bot with everything it needs; the role is given as the command: run --role all|gateway|worker.
FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY bot.py ./
COPY cogs cogs
COPY studio studio
COPY locale locale
COPY media media
COPY providers providers
COPY doctor doctor
COPY migrations migrations
RUN useradd --create-home --uid 10001 animate && install -d -o animate data
USER 10001
ENTRYPOINT ["python", "bot.py"]
CMD ["run"]
