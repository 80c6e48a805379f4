"""Where a webhook may go: nowhere inside, however the address is written."""

import pytest

from scf.feed.addresses import (
    AddressForbidden,
    WebhookUrlRefused,
    check_url,
    choose,
    is_permitted,
)

INSIDE = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1"),
    *("198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "ff02::1", "fec0::1"),
    *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1"),
    *("2002:7f00:1::", "2001::7f00:1", "2001:db8::1", "3fff::1", "100::1", "5f00::1"),
]
OUTSIDE = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "192.169.0.1", "2606:4700::1111", "2400:3200::1"]


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_inside_is_called(address):
    assert not is_permitted(address, loopback=False)
    with pytest.raises(AddressForbidden):
        choose(["8.8.8.8", address], loopback=False)


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_internet_is(address):
    assert is_permitted(address, loopback=False)
    assert choose([address, "1.1.1.1"], loopback=False) == address


def test_a_name_without_an_address_is_not():
    with pytest.raises(AddressForbidden):
        choose([], loopback=False)


@pytest.mark.parametrize("address", INSIDE)
def test_loopback_means_loopback(address):
    expected = address in ("127.0.0.1", "127.255.255.254", "::1")

    assert is_permitted(address, loopback=True) == expected


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://bank.example/", "scheme"),
        ("ftp://bank.example/", "scheme"),
        ("//bank.example/", "scheme"),
        ("https:///path", "host"),
        ("https://user@bank.example/", "user"),
        ("https://user:word@bank.example/", "user"),
        ("https://bank.example/#part", "fragment"),
        ("https://bank.example:22/", "port"),
        ("https://bank.example:5432/", "port"),
        ("https://127.0.0.1/", "address"),
        ("https://169.254.169.254/latest/meta-data", "address"),
        ("https://[::1]/", "address"),
        ("https://[::ffff:10.0.0.1]/", "address"),
        ("https://[64:ff9b::a00:1]/", "address"),
        ("http://127.0.0.1/", "scheme"),
        ("https://bank.example:99999/", "port"),
        ("https://[::1/", "malformed"),
        ("https://bank.example/" + "a" * 500, "length"),
        ("https://bank.example/\x00", "malformed"),
    ],
)
def test_what_is_no_address_of_an_endpoint_is_refused(url, why):
    with pytest.raises(WebhookUrlRefused) as refused:
        check_url(url, loopback=False)

    assert refused.value.fields == {"why": why}


def test_an_endpoint_is_taken_apart():
    assert check_url("https://bank.example/in?a=1", loopback=False).port == 443
    assert check_url("https://bank.example:8443/", loopback=False).host == "bank.example"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8099/in", "http://localhost:1/", "http://[::1]:7/"]
)
def test_the_setting_allows_this_machine_only(url):
    assert check_url(url, loopback=True)
    with pytest.raises(WebhookUrlRefused):
        check_url(url, loopback=False)
    with pytest.raises(WebhookUrlRefused):
        check_url("http://bank.example/", loopback=True)
    with pytest.raises(WebhookUrlRefused):
        check_url("https://10.0.0.1/", loopback=True)
