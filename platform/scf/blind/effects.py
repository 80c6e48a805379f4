"""What time and the token service bring to the blind registry; every turn may run twice."""

from scf.blind import queries, service
from scf.db.outbox import EffectContext
from scf.evidence.keys import TOKEN_BEARER
from scf_ledger.tokens.client import Invoice, TokenClient
from scf_ledger.tokens.errors import TokenServiceRefused, TokenServiceUnavailable


def turn(context: EffectContext) -> None:
    """End holds that ran out, learn the tokens of documents behind claims, merge what is held of them."""
    with context.database.reading() as session:
        over = queries.running_out(session, context.clock.now())
    for token in over:  # one at a time: a token's row is locked before its pool
        with context.database.transaction() as session:
            service.expire(session, token, now=context.clock.now())
    learn(context)
    with context.database.reading() as session:
        waiting = queries.unmerged(session)
    for token in waiting:
        with context.database.transaction() as session:
            service.merge_token(session, token, now=context.clock.now())


def learn(context: EffectContext) -> int:
    """Ask for the tokens of documents that have none yet; return how many were learnt.

    A service that is away, or that says that is enough for now, is asked again in the next turn.
    """
    with context.database.reading() as session:
        wanted = queries.unnamed(session)
    if not wanted:
        return 0
    invoices = [Invoice(seller, number, sha256) for _, seller, number, sha256 in wanted]
    bearer = (context.settings.secrets / TOKEN_BEARER).read_text(encoding="ascii").strip()
    try:
        with TokenClient(context.settings.token_service_url, bearer) as client:
            tokens = client.tokens(invoices)
    except (TokenServiceRefused, TokenServiceUnavailable):
        return 0
    for (document_id, *_), token in zip(wanted, tokens, strict=True):
        with context.database.transaction() as session:
            service.know(session, document_id, token, now=context.clock.now())
    return len(tokens)
