// Package health decides what is wrong with a stream now. Evaluate is one pure function
// from what is known of it to findings, and Summarize one to the facts of a healthy
// stream, so that the terminal, the page and a mail say the same. Neither does I/O: the
// caller inspects the spool, asks the disk with DiskOf, and the store if it can.
//
// A finding of severity Error is worth a mail, a Critical one wakes somebody: fetches are
// being lost, or will be before anybody is at a desk. A store that is away loses nothing
// while the disk lasts.
//
// The rules, with the values from which they are Error and Critical:
//
//	append_stale    nothing put on disk for 5 intervals, 15 intervals
//	append_refused  -, the disk refused 3 Appends in a row
//	append_invalid  3 of the last 10 Appends were no JSON object, -
//	disk_days       the disk is full in 7 days, 12 hours
//	upload_late     the oldest batch is late by 30 min, by 6 h (12 h from 10 PM to 8 AM)
//	upload_refused  refused twice, 5 min apart; as upload_late
//	uploads_gone    at once; if not all that is gone is in the spool
//	foreign_change  the same
//	corrupt         the same
//	clock           30 s from the store's, 5 min
//	uncounted       more than 10 % of the last 60 fetches, -
//	day_missing     yesterday has no object, -
//	day_open        yesterday's object is not closed, -
//	fetches_short   less than 95 % of yesterday's fetches, -
//	matches_unusual a fetch of yesterday had less than half, or more than twice, of what
//	                the same weekday has, -
//
// And what is a Warning:
//
//	repaired        a file of the spool was not as it was left
//	day_large       a day has 80 % of what it can have
//	storage_over    all days have more than the budget
//	verify_old      no day was verified for 8 days
//	key_old         the key is 90 days old
//
// Yesterday is judged from 2 AM on, by what the store says of its object and those of the
// weeks before, of which nothing is downloaded: DaysToAskFor says which these are. Where
// nobody has asked the store, these rules find nothing but what the spool shows. What is
// usual says the median of at least four days, so that the first days of a stream find
// nothing.
//
// One cause is one finding: while uploads are refused, they are not late as well. What
// happened at one time (uploads_gone, foreign_change, repaired) is a finding for 24 hours.
// A stream that never had a fetch is not stale. For five minutes after Facts.Started
// nothing is stale or late.
//
// A process that another one keeps out of the spool leaves nothing in it: that shows as
// append_stale, unless the other one fetches.
package health
