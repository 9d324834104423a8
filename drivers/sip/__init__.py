"""SIP (RFC 3261): messages, what is answered to them, transactions. Pure, but for its sockets."""
