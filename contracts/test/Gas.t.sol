// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {LedgerAnchor} from "../src/LedgerAnchor.sol";
import {Tickets} from "./support/Tickets.sol";
import {Trees} from "./support/Trees.sol";

/// @notice What a transaction costs, intrinsic gas and call data included. The figures are kept in contracts/snapshots
/// and compared; the bounds below are promises.
/// forge-config: default.isolate = true
contract GasTest is Tickets {
    uint256 private constant PUBLISH_MAX = 90_000;
    uint64 private constant BATCH = 1000;

    LedgerAnchor private anchor;
    bytes32 private key;
    bytes32[] private NO_PROOF;

    function setUp() public {
        _deployRegistry();
        anchor = new LedgerAnchor();
        vm.prank(PLATFORM);
        key = anchor.claim("scf.example/log");
    }

    function test_claim() public {
        vm.prank(OTHER_PLATFORM);
        anchor.claim("scf.example/log");
        vm.snapshotGasLastCall("LedgerAnchor", "claim");
    }

    function test_publish_first() public {
        vm.prank(PLATFORM);
        anchor.publish(key, BATCH, keccak256("root"), NO_PROOF);
        _promise("publish, first head", PUBLISH_MAX);
    }

    function test_publish_again() public {
        vm.prank(PLATFORM);
        anchor.publish(key, BATCH, keccak256("root"), NO_PROOF);
        vm.prank(PLATFORM);
        anchor.publish(key, BATCH, keccak256("root"), NO_PROOF);
        _promise("publish, the same head", PUBLISH_MAX);
    }

    function test_publish_at_10_000() public {
        _publish(10_000, 11_000, "publish, 10,000 to 11,000");
    }

    function test_publish_at_a_million() public {
        _publish(1_000_000, 1_001_000, "publish, 1,000,000 to 1,001,000");
    }

    /// @dev The longest proofs around a million entries: the first size odd in every bit.
    function test_publish_at_worst() public {
        _publish(2 ** 20 - 1, 2 ** 20 + 999, "publish, 1,048,575 to 1,049,575");
    }

    function test_lock_and_release() public {
        _measure(1, "one");
        _measure(3, "three");
        _measure(20, "twenty");
    }

    function _measure(uint256 count, string memory name) private {
        bytes32[] memory tokens = _tokens(20);
        bytes32[] memory some = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            some[i] = keccak256(abi.encode(tokens[i], count));
        }
        uint64 expiry = uint64(NOW) + TERM;
        _lock(PLATFORM, some, expiry, 60);
        vm.snapshotGasLastCall("AssetRegistry", string.concat("lock ", name));
        _lock(PLATFORM, some, expiry + 1, 61);
        vm.snapshotGasLastCall("AssetRegistry", string.concat("renew ", name));
        vm.prank(PLATFORM);
        registry.release(some);
        vm.snapshotGasLastCall("AssetRegistry", string.concat("release ", name));
    }

    function _publish(uint64 first, uint64 second, string memory name) private {
        (bytes32[] memory proof, bytes32 one, bytes32 two) = Trees.synthetic(first, second, "gas");
        vm.prank(PLATFORM);
        anchor.publish(key, first, one, NO_PROOF);
        vm.prank(PLATFORM);
        anchor.publish(key, second, two, proof);
        _promise(name, PUBLISH_MAX);
    }

    function _promise(string memory name, uint256 most) private {
        uint256 gas = vm.snapshotGasLastCall("LedgerAnchor", name);
        vm.assertLe(gas, most, name);
    }
}
