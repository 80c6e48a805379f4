"""Supervisory rules as data (数字化监管规则库): what a transition was held to, under which version, and replay."""
