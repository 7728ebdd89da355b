"""The real programs that Turnpike meets, each as an object that is started, asked and stopped.

Everything listens on loopback ports that were free a moment ago, writes its log below one temporary folder,
and is stopped by its own process id. Nothing here waits without a deadline.
"""
