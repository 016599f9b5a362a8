/* The part of an audit that settings ask for: signatures, reviews, rehearsals. */
#ifndef FLOW_AUDIT_ASKED_H
#define FLOW_AUDIT_ASKED_H

struct audit;
struct err;
struct ledger;
struct plan;
struct repo;

/**
 * Judges what the target has settled of the plan as the hooks judge a push: by
 * migrate.requireSigned, migrate.requireReview and migrate.requireRehearsal. What the
 * hooks would refuse is a failure, what they warn of a warning. 0 or -1.
 */
int audit_asked(struct audit *a, struct repo *repo, struct plan *plan,
		const struct ledger *l, struct err *err);

#endif
