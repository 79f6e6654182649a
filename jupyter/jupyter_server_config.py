"""Configuration of the private Jupyter server that ``npm start`` sets up."""

import zmq
from jupyter_server.services.kernels.connection.channels import (
    ZMQChannelsWebsocketConnection,
)


class NoDelayWebsocketConnection(ZMQChannelsWebsocketConnection):
    """Kernel channels that send each message at once, and drop none.

    A run's replies are several small messages. Nagle's algorithm holds the
    later ones back until the first is acknowledged, which the other side
    delays by 40 ms.

    A kernel publishes to whoever listens, and ZeroMQ drops without a word what
    comes while a thousand messages wait for a listener. Here any number may.
    """

    def connect(self):
        self.websocket_handler.set_nodelay(True)
        self.kernel_manager.context.setsockopt(zmq.RCVHWM, 0)
        return super().connect()


c = get_config()  # noqa: F821

c.ServerApp.kernel_websocket_connection_class = NoDelayWebsocketConnection

# Above its limits the server drops output for good. The Worker's journal keeps
# what arrives and has a cap of its own, so nothing is to be dropped before it.
c.ZMQChannelsWebsocketConnection.limit_rate = False

# Only this machine gets in, and only under a loopback name: a page of another
# site whose name resolves to 127.0.0.1 is refused.
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.allow_remote_access = False
# The port is part of where conversations find their kernels: fail, do not drift.
c.ServerApp.port_retries = 0

c.ServerApp.open_browser = False
# There is nobody at this server's terminal to ask.
c.ServerApp.answer_yes = True

# Nothing here uses terminals.
c.ServerApp.terminals_enabled = False
c.ServerApp.jpserver_extensions = {"jupyter_server_terminals": False}

# By default each message that nobody is shown is made all the same, several for a request.
c.ServerApp.logging_config = {"loggers": {"ServerApp": {"level": "INFO"}}}
