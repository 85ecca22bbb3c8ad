"""Files from the network, for `download` alone: nothing else here opens a connection."""
