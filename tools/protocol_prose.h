/* What wsm-protocol(7) says that stands in no table: how to connect, what is answered, and how a client that was cut
 * goes on. In mdoc(7). */
#ifndef WSM_TOOLS_PROTOCOL_PROSE_H
#define WSM_TOOLS_PROTOCOL_PROSE_H

static const char prose_connecting[] =
    ".Sh CONNECTING\n"
    "A client opens a WebSocket at the hub's path,\n.Li /ws\nunless the server says otherwise,\n"
    "with the subprotocol\n.Li wsm.v1\nand a token, in one of these:\n"
    ".Bl -bullet -compact\n"
    ".It\nthe header\n.Li Authorization: Bearer TOKEN\n"
    ".It\nthe header\n.Li X-Memory-Auth: TOKEN\n"
    ".It\na second subprotocol,\n.Li wsm.token.TOKEN ,\nfor browsers, which can set no header; it is never echoed\n"
    ".It\nwhere the server allows it, the first message,\n.Ic hello\n"
    ".El\n"
    "A token in the URL is refused, as is a browser whose Origin the server does not list.\n"
    ".Pp\n"
    "The token is a JSON Web Token (RFC 7519) signed with HS256.\n"
    ".Va sub\nis the agent id,\n.Va exp\nis required and at most 24 hours after\n.Va iat .\n"
    "An object\n.Va wsm\nmay hold\n.Va permission\n(observer, which is the default, or active),\n"
    ".Va kind\n(agent, human, service),\n.Va purpose\n(primary, observer, backup),\n.Va specialties ,\n"
    ".Va contexts\n(patterns of what it may read; absent: all) and\n.Va can .\n"
    "Only an active connection may send what is kept in the log.\n"
    "An agent has at most one active primary connection: a second one replaces the first, which is closed with 4009.\n"
    ".Pp\n"
    "A refusal is an HTTP status with a JSON body\n"
    ".Li {\\(dqerror\\(dq:{\\(dqcode\\(dq:...,\\(dqmessage\\(dq:...}} :\n"
    "400 malformed, 401 no token or none that is good, 403 origin or host, 404 path, 426 no upgrade,\n"
    "429 too many, and 503 full, loading or shutting down; after the last two come back later, as\n.Li "
    "Retry-After\nsays.\n"
    ".Pp\n"
    "Then the hub says\n.Ic welcome ,\nbefore anything else, and from then on the client hears what concerns it:\n"
    "records of\n.Li main\nand of the sidebars that it is a member of, as soon as the log has them, its own too;\n"
    "mentions of it, also those from before; who is there\n.Pq Ic agent_presence .\n"
    "Pings are answered as RFC 6455 asks, which WebSocket libraries do.\n";

static const char prose_answers[] =
    ".Sh ANSWERS\n"
    "A message with a\n.Va message_id ,\na UUID that the sender has not used before, is answered once:\n"
    "by\n.Ic ack\nwhen it is done and, if it makes a record, the log has kept that;\n"
    "by\n.Ic duplicate_ack ,\nwith the first result, when the same message was done before;\n"
    "by\n.Ic error\nwhen it is refused, and then nothing has changed.\n"
    "All three name it in\n.Va original_message_id .\n"
    "A message without\n.Va message_id\nis answered only if something is wrong with it;\n"
    ".Ic agent_list ,\nwhose answer is the\n.Ic ack ,\nhas to have one.\n"
    "What the command brought about is heard by everybody as a message of its own, with its\n.Va offset .\n"
    "Ten malformed messages in a minute close with 4011, a hundred over the rate with 4013.\n";

static const char prose_resume[] =
    ".Sh COMING BACK\n"
    "Records have an\n.Va offset ,\nwhich grows; what is missing in between was not for this client.\n"
    "A more urgent record may overtake others.\n"
    ".Ic position\nsays up to which offset everything that concerns the client has been sent.\n"
    "A client remembers\n.Va epoch\nof the\n.Ic welcome\nand the last\n.Ic position\n"
    "(before there was one, the offset of the\n.Ic welcome ) ,\nand comes back after a cut with\n"
    ".Li /ws?epoch=EPOCH&after=OFFSET .\n"
    "What it missed follows the\n.Ic welcome ,\nbetween\n.Ic replay_start\nand\n.Ic replay_end ;\n"
    "what it had seen after that position comes again, and is known by its offset.\n"
    "Commands without an answer are sent again after\n.Ic replay_end\nwith the same\n.Va message_id :\n"
    "what was done already is not done twice.\n"
    "When\n.Va resume\nof the\n.Ic welcome\nis\n.Li resync ,\nthe log is another, or shorter: begin anew.\n"
    "Nothing is missing without a\n.Ic gap\nthat says so.\n";

#endif
