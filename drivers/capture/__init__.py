"""SIP/RTP captures (pcap, pcapng) as calls: two directions of samples and what was lost."""
