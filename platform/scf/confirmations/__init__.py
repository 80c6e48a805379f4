"""Requests for confirmation (确权请求) and the time that the law gives a debtor to answer them."""
