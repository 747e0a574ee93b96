/* The invariants that are checked, each with a sentence for people. The ids are those of the project's contract. */
#include "world.h"

static const wsm_sim_invariant rows[] = {
    {"I-01",
     "Every record that a connection may see arrives on it exactly once, or lies in a gap that it was told of; what is "
     "still to come lies above the last position."},
    {"I-02",
     "Within one context and lane records arrive in the order of their offsets, and a position is only told when "
     "everything below it has gone out."},
    {"I-03", "All who receive a record receive the same bytes, and those are the publisher's own."},
    {"I-04",
     "Sequence numbers of a context begin at 1 and step by 1 in each epoch; records that broke in the store leave the "
     "only holes."},
    {"I-05",
     "A resume yields every visible record after the position once, or a gap for what the log no longer has, or resync "
     "when the position is unknown. Nothing is called trimmed or corrupt that can be read, and no replay loses what "
     "the hub "
     "lets its log go of."},
    {"I-06", "Replay and live records never interleave: what is published during a replay comes after its end."},
    {"I-07",
     "Each request that carries an id, and each broadcast of the host, gets exactly one answer, and what it says is "
     "true of the log; or the connection ends."},
    {"I-08", "The messages of one connection take effect in the order in which they were sent."},
    {"I-10", "The more urgent lane goes first: no record comes before an earlier one that is more urgent, but one "
             "background frame in sixteen."},
    {"I-11",
     "What is urgent, an answer or a notice is only dropped together with its connection, which is closed for it."},
    {"I-12", "The bytes that wait for one connection stay below the cap."},
    {"I-14", "A frame is never dropped, replaced or mixed with another once a part of it has been written: the "
             "client's reader, "
             "which shares no code with the hub, always finds RFC 6455."},
    {"I-15", "Every frame that is dropped is counted by its reason, and the host is told of it by its lane."},
    {"I-20",
     "What was acknowledged as durable, or shown to anybody, is there after every crash, unchanged; the log is let go "
     "only of what a snapshot stands for."},
    {"I-21", "An ack says whether the record is durable, and says the truth either way."},
    {"I-22", "Recovery yields a prefix of the log as it was: no hole, no other order, nothing that was refused."},
    {"I-23", "Nobody sees a record before it is kept, so that no two contents are ever seen under one offset."},
    {"I-24", "Recovering again, from a snapshot or from the first record, gives the same state: the same records, to "
             "the byte."},
    {"I-25",
     "What was refused with an error changed nothing: no record of it ever appears. (store_failed leaves it open.)"},
    {"I-30", "Within the window a message id takes effect at most once for its sender, also across crashes."},
    {"I-31",
     "The same id with other content is id_conflict and changes nothing; one agent's ids mean nothing for another's."},
    {"I-32", "The table of ids never invents a duplicate: what it names is a record of that id and sender."},
    {"I-33",
     "Each mention reaches a connection of the agent that it calls once, in order, and again only when its lease has "
     "ended or a connection died before it was seen; or the sender is told why not. What he is told of it has "
     "happened. Nobody is called oftener than the budgets allow, or refused while there is some left, and what was "
     "held "
     "back comes as a digest. A group is called by who may, whole up to its limit."},
    {"I-34",
     "Mentions of those who are away wait, also across crashes, in boxes that end: by count, by bytes, by age."},
    {"I-35",
     "Being mentioned gives no access: who may not read what a mention is about when it is sent gets nothing of "
     "it."},
    {"I-40", "A record stays in the context that it was sent to. What is said in a sidebar reaches those who belonged "
             "to it then, "
             "by its own records, or were let in with its history, which they get whole, or ask for it in a "
             "sidebar that has inherited it from somebody who could read it; and nobody else."},
    {"I-41",
     "Who is not in a private sidebar is never told its name, and asking about it is answered as asking about one that "
     "does not exist."},
    {"I-42",
     "Who has heard that it left a sidebar, or was removed, gets nothing more of it, nor what was queued, mentions "
     "about it included."},
    {"I-43", "Who may only observe causes no record."},
    {"I-44",
     "An agent's presence changes at most once in its interval, and each change comes once; whoever has gone goes no "
     "second time. When it is quiet, the agents that the hub lists are those that have a session, as they were "
     "announced "
     "last, with what they said last and the sidebars that the records give them."},
    {"I-45", "The sender of every record is the authenticated agent, whatever the message says."},
    {"I-46",
     "What a record does to a sidebar follows from the records before: who may, which status follows which, versions, "
     "members, data references. A merge carries what the sidebar held, and is whole."},
    {"I-50", "Without a valid token nothing is processed and nothing is sent but the refusal."},
    {"I-51", "A connection receives only what its token covers."},
    {"I-52",
     "Any public call is legal inside any callback, or has no effect; a connection's state only moves forwards."},
    {"I-53", "An agent has at most one live primary connection: the old one is closed before the new one opens."},
    {"I-60", "However the bytes of an honest client are cut, it is never accused of breaking the protocol."},
    {"I-62", "Accounted memory stays within the budget, and what is allocated within what is accounted."},
    {"I-63", "A hub that was freed, in whatever state, leaves no allocation."},
    {"I-64", "A call that fails had no effect."},
    {"I-68", "The same inputs and answers give the same outputs, to the bit, in every build."},
    {"I-66", "Who sends nonsense again and again is sent away."},
    {"I-80", "When the faults stop, every client comes to the log's end in bounded time, every command is answered, no "
             "timer spins, and nobody who answers is cut."},
    {"I-81", "A shutdown ends by its deadline."},
    {"I-82", "Clocks that jump or stall cause at most one ping in an interval."},
    {"I-91", "What is missing or broken in the log becomes a gap; never silence."},
    {"I-95", "A log line is printable, one line, and at most 1 KiB."},
    {"I-96",
     "Messages received are messages answered, or in flight. Frames meant for queues were sent, were dropped, or "
     "wait."},
};

const wsm_sim_invariant *wsm_sim_invariant_at(size_t index) {
    return index < sizeof rows / sizeof rows[0] ? &rows[index] : NULL;
}
