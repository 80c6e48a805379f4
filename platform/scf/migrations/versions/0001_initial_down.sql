-- Takes the first schema back, data and all.

DROP TABLE
  approval_records,
  loan_extensions,
  financing_searches,
  financing_receipts,
  financing_ranks,
  dossier_downloads,
  contracts,
  approval_cases,
  registry_papers,
  registry_objections,
  registry_findings,
  registry_filings,
  pledge_searches,
  pledge_registrations,
  pledge_locks,
  payment_reversals,
  financings,
  debtor_notices,
  confirmation_moments,
  confirmation_letters,
  stage_reductions,
  red_note_consents,
  receivable_payments,
  receivable_documents,
  receivable_credit_notes,
  pool_entries,
  pledges,
  payment_order_lines,
  payable_lines,
  onboardings,
  job_results,
  confirmation_requests,
  blind_holds,
  bank_entries,
  approval_policies,
  account_changes,
  webhook_deliveries,
  trade_stages,
  trade_document_lines,
  tasks,
  red_notes,
  reconciliation_objections,
  receivables,
  programme_members,
  pool_marks,
  person_names,
  person_keys,
  person_erasures,
  payment_orders,
  mandates,
  look_ups,
  job_items,
  invoice_checks,
  invitations,
  document_originals,
  conversion_edges,
  certificates,
  blind_tokens,
  webhooks,
  trade_documents,
  revocation_lists,
  reconciliations,
  programmes,
  pools,
  persons,
  notices,
  jobs,
  documents,
  debtor_blocks,
  daily_files,
  consents,
  blind_probes,
  bank_reports,
  anchors,
  access_tokens,
  webhook_attempts,
  trade_originals,
  statements,
  statement_lines,
  rule_evaluations,
  party_events,
  parties,
  outbox,
  oauth_clients,
  log_tiles,
  log_head,
  log_entries,
  idempotency_keys,
  feed_cursors,
  events,
  event_queue,
  checkpoints,
  chain_transactions,
  chain_home,
  certificate_authorities,
  bank_feeds,
  asset_tokens;

DROP FUNCTION apply_edge_entry;
DROP FUNCTION apply_pool_entry;
DROP FUNCTION balance_edge;
DROP FUNCTION guard_approval_cases_state;
DROP FUNCTION guard_blind_holds_state;
DROP FUNCTION guard_confirmation_requests_state;
DROP FUNCTION guard_debtor_notices_state;
DROP FUNCTION guard_edge;
DROP FUNCTION guard_financings_state;
DROP FUNCTION guard_invitations_state;
DROP FUNCTION guard_jobs_state;
DROP FUNCTION guard_loan_extensions_state;
DROP FUNCTION guard_payable_lines_state;
DROP FUNCTION guard_payment_orders_state;
DROP FUNCTION guard_pledge_locks_state;
DROP FUNCTION guard_pledges_state;
DROP FUNCTION guard_pool;
DROP FUNCTION guard_receivable_state;
DROP FUNCTION guard_red_notes_state;
DROP FUNCTION guard_tasks_state;
DROP FUNCTION guard_trade_stages_state;
DROP FUNCTION guard_webhooks_state;
DROP FUNCTION only_revoke;
DROP FUNCTION only_settle_payable_line;
DROP FUNCTION queue_event;
DROP FUNCTION refuse_rewriting;
