"""动产融资统一登记公示系统: the state's register of security interests, as a port and an HTTP client."""
