"""Which columns an audit holds to something else, and why the others are not.

`AUDITED` is complete: a test changes one byte in every column listed here and sees it found, and another
that every table is either here or in `UNAUDITED`.
"""

from typing import Final

AUDITED: Final[dict[str, tuple[str, ...]]] = {
    "events": (
        *("id", "type", "subject_id", "version", "occurred_at", "body", "body_hash", "tag"),
        *("disclosures", "authorizations"),
    ),
    "event_queue": ("seq", "event_id", "entry"),
    "log_entries": ("index", "event_id", "entry"),
    "log_tiles": ("level", "index", "hashes"),
    "log_head": ("origin", "vkey", "size", "root"),
    "checkpoints": ("size", "root", "note"),
    "anchors": ("size", "root", "transaction_id"),
    "chain_home": (*("chain_id", "anchor_address", "registry_address", "origin_key", "sender"),),
    "chain_transactions": (
        *("purpose", "arguments", "sender", "nonce", "raw", "tx_hash"),
        *("block_number", "block_hash", "gas_used"),
    ),
    "statements": (
        *("id", "act", "step", "party_id", "person_id", "mandate_id", "subject_id"),
        *("subject_version", "payload", "reserved", "expires_at", "jws"),
        *("authorization_hash", "certificate_id"),
    ),
    "statement_lines": ("draft_id", "subject_id", "subject_version", "disclosure", "reserved"),
    "parties": ("uscc",),
    "certificate_authorities": ("pem", "thumbprint"),
    "certificates": (
        *("authority_id", "party_id", "person_id", "serial", "thumbprint", "key_sha256", "pem"),
        *("valid_from", "valid_to"),
    ),
    "revocation_lists": ("authority_id", "issued_at", "der"),
    "documents": (
        *("id", "version", "secret", "head_hash", "kind", "number", "seller_id", "seller_uscc"),
        *("seller_name", "buyer", "buyer_name", "issued_on", "currency", "net_minor"),
        *("tax_minor", "total_minor", "payable_minor", "takes_back", "reverses", "flags"),
        "confirmation_no",
        *("payee", "contract_no", "order_no", "delivered_on", "due_on", "original_sha256"),
        "registered_at",
    ),
    "document_originals": ("document_id", "original"),
    "receivables": (
        *("id", "version", "secret", "head_hash", "programme_id", "creditor_id", "debtor_id"),
        *("line_no", "contract_no", "receipt_no", "delivered_on", "due_on", "currency"),
        *("claimed_minor", "confirmed_minor", "disputed_minor", "rejected_minor", "paid_minor"),
        *("paid_taken_minor", "astray_minor", "astray_taken_minor"),
        *("state", "reason", "reason_compliant", "pay_to", "no_setoff", "consents", "pool_id"),
        *("retention_minor", "retention_due_on", "assignment_banned", "counterclaims"),
        *("confirmed_event_hash", "submitted_at", "changed_at"),
    ),
    "receivable_documents": ("receivable_id", "position", "document_id", "live"),
    "receivable_payments": (
        *("receivable_id", "bank_id", "amount_minor", "currency", "paid_on", "account"),
        *("bank", "to_named_account", "event_id", "reported_at"),
    ),
    "payment_reversals": (
        *("payment_id", "bank_id", "amount_minor", "reversed_on", "event_id"),
        "reported_at",
    ),
    "receivable_credit_notes": ("receivable_id", "note_id", "amount_minor"),
    "pools": (
        *("id", "version", "secret", "head_hash", "asset", "asset_id", "owner_id", "currency"),
        *("confirmed_minor", "used_minor", "opened_at"),
    ),
    "pool_entries": (
        *("pool_id", "version", "kind", "confirmed_delta_minor", "used_delta_minor"),
        *("holder_id", "holder", "party_id", "edge_id", "entered_at"),
    ),
    "conversion_edges": (
        *("id", "from_pool_id", "to_pool_id", "amount_minor", "carried_minor", "passed_minor"),
        *("moving_minor", "drawn_at"),
    ),
    "trade_stages": (
        *("id", "version", "secret", "head_hash", "document_id", "kind", "seller_id", "buyer_id"),
        *("state", "currency", "confirmed_minor", "due_on", "pool_id", "confirmed_event_hash"),
        "registered_at",
    ),
    "stage_reductions": ("event_id", "stage_id", "party_id", "amount_minor", "reason", "told_at"),
    "blind_tokens": ("token", "held_minor"),
    "blind_holds": (
        *("id", "version", "secret", "head_hash", "token", "party_id", "currency", "amount_minor"),
        *("state", "placed_at", "expires_at", "ended_at"),
    ),
    "pledges": (
        *("id", "version", "secret", "head_hash", "pledgor_id", "pledgee_id", "receivable_id"),
        *("kind", "recourse", "disclosed", "recourse_called_at"),
        *("receivable_event", "pool_id", "currency", "amount_minor", "contract_sha256"),
        *("principal_minor", "rate", "principal_due_on", "signed_event", "state", "state_since"),
        *("expires_at", "reserved_at", "legally_effective_at", "lock_final_at", "released_at"),
    ),
    "pledge_registrations": (
        *("pledge_id", "reference", "reg_no", "registered_at", "certificate"),
        *("cancellation_due_on", "cancellation_raised_at"),
    ),
    "pledge_locks": ("pledge_id", "state", "since", "tokens", "ticket_sha256", "tx_hash"),
    "registry_filings": ("pledge_id", "number", "registered_at", "certificate"),
    "pledge_searches": ("pledge_id", "cert_no", "clean", "results_hash"),
    "debtor_notices": (
        *("id", "version", "secret", "head_hash", "pledge_id", "pledge_event", "pledgor_id"),
        *("pledgee_id", "debtor_id", "receivable_event", "currency", "amount_minor", "pay_to"),
        *("reg_no", "state", "issued_by", "issued_at", "delivered_at", "acknowledged_at"),
        *("purpose", "reason", "prepared_at", "signed_at"),
    ),
    "financings": (
        *("id", "version", "secret", "head_hash", "borrower_id", "lender_id", "receivable_id"),
        *("receivable_event", "currency", "requested_minor", "requested_days", "amount_minor"),
        *("rate", "day_count", "days", "starts_on", "due_on", "contract_sha256", "reason"),
        *("security", "pledge_id", "disbursed_on", "repaid_minor", "repaid_on", "state"),
        "state_since",
    ),
    "red_notes": (
        *("id", "version", "secret", "head_hash", "document_id", "seller_id", "form_no"),
        *("applicant", "used", "reason", "currency", "net_minor", "tax_minor", "state"),
        *("state_since", "entered_at", "red_document_id"),
    ),
    "trade_originals": ("original",),
    "trade_documents": (
        *("id", "kind", "number", "issuer_id", "buyer", "seller", "issued_on", "original_sha256"),
    ),
    "trade_document_lines": (
        *("document_id", "position", "order_no", "order_line", "item", "quantity"),
        *("amount_minor", "currency"),
    ),
    "invoice_checks": (
        *("id", "version", "secret", "head_hash", "document_id", "status", "sound", "answered_at"),
        "checked_at",
    ),
    "red_note_consents": ("red_note_id", "party_id", "given", "answered_at"),
    "confirmation_requests": (
        *("id", "receivable_id", "creditor_id", "debtor_id", "event_id", "event_version"),
        *("requested_on", "requested_at", "currency", "claimed_minor", "statutory", "conditions"),
        *("rule_version", "days", "reminder_days", "deadline_on", "state", "overdue_on"),
        *("answered_on", "answer_event_id"),
    ),
    "confirmation_moments": ("request_id", "kind", "day", "due_on"),
    "confirmation_letters": ("request_id", "content", "sha256"),
    "contracts": ("sha256", "financing_id", "body"),
    "reconciliations": (
        *("id", "version", "secret", "head_hash", "creditor_id", "debtor_id", "currency"),
        *("first_on", "last_on", "opening_minor", "confirmed_minor", "paid_minor"),
        *("reversed_minor", "credited_minor", "closing_minor", "lines", "state", "drawn_at"),
    ),
    "jobs": ("input_sha256", "total", "cursor", "done", "waiting", "failed"),
    "job_items": ("job_id", "place", "row", "cells"),
    "job_results": ("job_id", "place", "outcome", "object"),
    "payable_lines": (
        *("job_id", "place", "programme_id", "debtor_id", "supplier", "supplier_name", "line_no"),
        *("invoices", "currency", "amount_minor", "contract_no", "receipt_no", "delivered_on"),
        *("due_on", "pay_to", "state", "receivable_id"),
    ),
    "onboardings": (
        *("party_id", "invitation_id", "person_id", "certificate_id", "client_id", "size_class"),
        *("size_declared_on", "jws", "admitted_at"),
    ),
    "rule_evaluations": (
        *("transition", "subject", "on", "inputs", "inputs_sha256", "results", "worst", "at"),
    ),
    "approval_policies": (
        *("id", "bank_id", "number", "effective_on", "content", "sha256", "maker_id"),
        *("maker_mandate_id", "checker_id", "checker_mandate_id", "recorded_at"),
    ),
    "approval_cases": (
        *("id", "version", "secret", "head_hash", "financing_id", "bank_id", "receivable_id"),
        *("policy_id", "currency", "asked_minor", "asked_days", "state", "state_since"),
        "opened_at",
    ),
    "approval_records": (
        *("case_id", "seq", "kind", "state", "person_id", "mandate_id", "inputs", "sha256"),
        *("event_id", "recorded_at"),
    ),
    "financing_searches": ("financing_id", "cert_no", "searched_at", "results_hash", "certificate"),
    "financing_ranks": ("financing_id", "step", "search_no", "own", "claims", "ranks"),
    "financing_receipts": (
        *("financing_id", "lender_id", "kind", "receipt_no", "receipt_on", "amount_minor"),
        *("principal_minor", "interest_minor", "event_id", "reported_at"),
    ),
}

UNAUDITED: Final[dict[str, str]] = {
    "blind_probes": "who asked and when; nothing else tells of it",
    "pool_marks": "the papers by which pools find each other; what that came to are edges",
    "dossier_downloads": "who took a file away; the file proves itself",
    "account_changes": "what was proposed; a change that is done is an event of its receivable",
    "bank_entries": "what banks told; the receipts among it are payments, which are audited",
    "bank_feeds": "how far a bank's reports were fetched",
    "bank_reports": "originals, by the hash of their bytes",
    "payment_order_lines": "instructions; the facts are what banks tell of them",
    "payment_orders": "the same",
    "reconciliation_objections": "what a side said instead of signing",
    "access_tokens": "short-lived, by hash",
    "asset_tokens": "a count, kept right by the locks' own rows",
    "debtor_blocks": "whom the operator lists, and why; it decides nothing",
    "idempotency_keys": "answers given, kept for seven days",
    "invitations": "links to come in by; who came in is told by its onboarding",
    "look_ups": "who looked at whom and why; what was shown is audited where it lies",
    "mandates": "whom a party lets sign; its act is held by the statement that was signed",
    "notices": "told by events that are audited",
    "oauth_clients": "systems and the hashes of their secrets",
    "outbox": "work to be done, not facts",
    "person_erasures": "who erased a name, when and why",
    "person_keys": "keys of names; erasing one is allowed",
    "person_names": "names under those keys",
    "persons": "random ids; certificates name them",
    "programme_members": "who may take part, not what was done",
    "programmes": "receivables name theirs",
    "registry_objections": "what the register said; each is told by an event",
    "registry_papers": "originals, by the hash of their bytes",
    "registry_findings": "first sights of what searches' own certificates say",
    "tasks": "work to be done; what was done are events",
}
