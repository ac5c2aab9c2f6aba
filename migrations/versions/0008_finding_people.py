"""What belongs to a member or to a message is found without reading whole tables.

Revision: 0008, after: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

PLAIN = (
    ("ix_tallies_member_id", "tallies", ["member_id"]),
    ("ix_approvals_member_id", "approvals", ["member_id"]),
    ("ix_audit_actor_id", "audit", ["actor_id"]),
    ("ix_audit_subject", "audit", ["subject"]),
)
PARTIAL = (
    ("ix_jobs_answer_id", "jobs", ["answer_id"], "answer_id IS NOT NULL"),
    ("ix_jobs_card_id", "jobs", ["card_id"], "card_id IS NOT NULL"),
    ("ix_jobs_outcome_id", "jobs", ["outcome_id"], "outcome_id IS NOT NULL"),
    ("ix_jobs_unpurged", "jobs", ["removed_at"], "removed_at IS NOT NULL AND purged_at IS NULL"),
    ("ix_approvals_decided_by", "approvals", ["decided_by"], "decided_by IS NOT NULL"),
    ("ix_ledger_members", "ledger", ["actor"], "substr(actor, 1, 7) = 'member:'"),
)


def upgrade() -> None:
    for name, table, columns in PLAIN:
        op.create_index(name, table, columns, unique=False)
    for name, table, columns, where in PARTIAL:
        only = sa.text(where)
        op.create_index(name, table, columns, unique=False, sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    for name, table, *_ in (*PLAIN, *PARTIAL):
        op.drop_index(name, table_name=table)
