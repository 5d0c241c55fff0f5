// Package alert tells people what package health finds. An [Evaluator] is called again and
// again with what was found, by a program that runs for long or by one that cron starts
// each five minutes, and decides what is news. It keeps what it has said in the spool of a
// stream, so that nothing is said twice, or forgotten, when programs start and end.
//
// A finding is news when two evaluations have had it, and over when it was gone for ten
// minutes. Between these, it may come and go. One code is one message, with all its
// streams; there is another one if a stream joins, or if it becomes worse or better. For
// five minutes after a start nothing is judged.
//
// Who hears of it:
//
//	critical   Page, at once, by day and by night; Notify where there is no Page
//	error      Notify. What comes between 10 PM and 8 AM waits, and comes as one message
//	warning    the same, and again each week
//
// That something is over is said to whoever was told of it. At 8 AM there is one message
// also when all is well: a line about each stream, what the night had, and what still
// lasts.
//
// A message that cannot be sent is tried again at each evaluation, with pauses of up to
// 15 minutes, for a day. What nobody has heard of by then, and still lasts, is a message
// again. To each receiver messages go in order. One may arrive twice, with the same id, if
// the process ends before it can remember that it was sent.
//
// The heartbeat is a request each five minutes to a service that calls somebody when there
// is none: nobody else notices that this machine is gone. It is not made while a page
// cannot be sent, nor in the minutes after a start, so that a program that starts over and
// over is noticed as well.
//
// Uploads is apart from that: it tells webhooks of each upload that is in its day's object.
//
// The URLs and commands of receivers are secrets. No error and no text of this package has
// more of a URL than its host.
package alert
