"""Papers as PDF: plain data in, the same bytes out every time. No database, no HTTP, no network.

A caller fills in a layout of `layouts` (`Paper`, `Letter`, `EvidencePack`), and `typesetting` sets it, with
Typst and a Chinese typeface that comes with the installation, as PDF/A-3a that carries its sources as
attached files.
"""
