// Package rotatelog keeps every fetch of an API: durable on local disk the
// moment [Writer.Append] returns, and then, ten fetches at a time, appended
// exactly once to one valid JSON object per New York calendar day in
// S3-compatible storage.
//
//	store, err := dirstore.Open("/var/lib/logs")
//	if err != nil {
//		return err
//	}
//	w, err := rotatelog.Open(ctx, rotatelog.Config{Dir: "1_all_api", Store: store})
//	if err != nil {
//		return err
//	}
//	defer w.Close() // uploads nothing; the next Open goes on
//	for fetch := range fetches {
//		r, err := w.Append(ctx, fetch) // nil: on disk
//		if err != nil {
//			return err
//		}
//		fmt.Printf("%v #%d: %d matches, %d of %d\n", r.Day, r.Number, r.Matches, r.Place, r.BatchSize)
//	}
//	return w.Drain(ctx) // full batches; Flush would send the unfinished one too
//
// A fetch is any JSON object. Ten of them make a batch; a batch becomes one
// upload, an entry in the day's object. A day is a calendar date in
// [Config.Location].
//
// # Guarantees
//
// P1, durable: when Append returned nil, the fetch survives a power cut (with
// [SyncAppend], the default).
//
// P2, exactly once: at every instant each acknowledged fetch is in the spool or
// in the store, and never twice in the store, in append order within its upload,
// whatever crashes, retries, lost or false replies and restarts happen between.
// If the disk survives and the store accepts writes long enough, it is in the
// store. An error from Append means "not acknowledged", not "not stored".
//
// P3, never clobber: no failure to read makes a write. A day's object only ever
// grows by our entries.
//
// P4, always valid: at every instant the day's object, and after every append
// and every recovery the local file, parses as one document, and
// daily_metadata agrees with uploads.
//
// P5, true day: a fetch is in the object of the day it was made on. The batch is
// sealed at midnight, also when nothing is being appended, on days of 23 and 25
// hours too.
//
// P6, the pipeline never waits for the store: [Open], Append and Write touch no
// network. A failure to upload is never returned by them; it is logged, counted,
// retried with backoff, and surfaces in [Writer.Flush], [Writer.Drain],
// [Writer.Stats] and [Hooks].
//
// P7, flat cost: an upload moves the batch between client and store, and holds it
// in memory, but not the day. The server still copies the day, which takes it
// time; see docs/BENCHMARKS.md.
//
// P8, nothing silent: an error that no retry will mend says what to do.
//
// # What is assumed, and what is not promised
//
// Assumed: fsync is honest; overwriting is power-safe (bytes outside the written
// range do not change); after a power cut unsynced ranges hold the old bytes,
// zeros, or are missing; the store is linearizable for each key; nobody else
// edits the spool or clones its directory.
//
// Not promised: order across hosts; a fetch that was never acknowledged; an edit
// of the local file by another program while no Writer has it open. One that is
// made while a Writer has it open is noticed at the next append, set aside, and
// undone.
//
// # Local files
//
// In Config.Dir, for the stream all_api:
//
//	all_api.json             the batch being filled: one JSON array of fetches, mode 0400
//	all_api.spool/           mode 0700, its files 0600 or 0400
//	  lock, publish.lock     held by the Writer that appends, and by the one that uploads
//	  batch.json             {"day":"2025-07-10","first":11,"order":2,"last":[{"day":"2025-07-10","number":10}]}
//	  owner                  a random id; objects that one Writer owns carry it
//	  unclean                stands while a Writer has the stream open; clean: it was closed
//	  reserve/               eight files of 128 KiB, or less on a small disk: see below
//	  body-2025-07-10        a line {"key":…,"version":…,"sha256":…}, and the last body of a day that is small yet;
//	                         it stays until the object was seen to hold all of it, closed or grown
//	  seen.json              of each day the version last seen, and what it added up to
//	  proof                  what the store has proved last of the conditions it honours
//	  places.json            the places that were published to: location of the store, Prefix and Name
//	  intents/               {day}.{place}.json: a write whose end may be in doubt, with the ids of its batches
//	  day-0.lock … day-7.lock  each held by whoever works on one of the days that share it
//	  swept                  the day on which leftovers in the store were last looked for
//	  pending/               sealed batches that wait: {day}-{order}-{first}-{last}-{sealed}-{id}.json
//	  uploaded/              the last confirmed ones: the same, with -{sequence} before the dot, and
//	                         -{place} before that if they are not in the first of places.json
//	  closed.json            ["2025-07-09"]: the days in uploaded/ that are known to be closed
//	  damaged/               bytes that were found where they did not belong; never deleted
//
// Fetches that fill a batch and come at once, from several goroutines, do not pass
// through all_api.json: they are written to pending/.
//
// A full disk does not keep what waits from the store. Where it has no room for a
// small file that sealing or uploading needs, a file of the reserve is overwritten
// and renamed; on a copy-on-write file system that may not help. Append then
// returns an error that matches syscall.ENOSPC, or EDQUOT for a quota, until there
// is room for the fetch and for a whole reserve; Open succeeds, even if the local
// file is to be rebuilt first. Confirmed batches are deleted to make room, but for
// the last, and only those that this process has seen in their day's object.
//
// batch.json is written when a batch of another day than the last one begins: day
// is its day, first the daily number of its first fetch, order its place among all
// batches sealed, from 1, and last the number of the last sealed fetch of recent
// days. What was sealed since is told by the names in pending/ and uploaded/. Where
// there are no hard links it is written after each seal, with "copied":true. In the
// names, day is a date, first and last are daily fetch numbers, sealed is the time
// of sealing in UTC, id the upload_id and sequence the upload_sequence. What belongs
// to a compressed object says so: -zst or -gz follows the id in a name and the day
// in closed.json, and "compression":"zstd" the number in batch.json.
//
// # The day's object
//
// Its key is {Prefix}{Name}_json_log_{YYYY-MM-DD}.json, and it reads
//
//	{"daily_metadata":{"date":"2025-07-10","total_uploads":1,"total_matches_today":45,"first_upload":"07/10/2025 03:45:22 PM EDT","last_upload":"07/10/2025 03:45:22 PM EDT","total_fetches_today":1},
//	"uploads":[
//	{"upload_sequence":1,"upload_timestamp":"07/10/2025 03:45:22 PM EDT","matches_in_upload":45,"fetches_in_upload":1,"upload_id":"…","fetch_data":[
//	{…}]}
//	]}
//
// An object of 5 MiB or more whose day goes on has daily_metadata last, so that
// a server can append to it by itself; every reader of JSON takes either order:
//
//	{"uploads":[
//	{"upload_sequence":1,…}
//	],
//	"daily_metadata":{…}}
//
// When the day is over and nothing of it waits here, the object is closed:
// written once more, with daily_metadata first, at midnight or by whichever
// Writer of the stream publishes next; a Drain that has an upload to wait for
// returns after that was tried. Uploads that come later leave it so. Closing
// takes as long as an upload to that day. If it fails, that is logged and tried
// again, and other uploads go on. With Config.Time, a day before today is closed
// when a batch of another day was uploaded after it, or by Drain and Flush.
// Whatever the layout, entries never change.
//
// Every upload and every fetch begins a line. Timestamps have the layout
// [TimeLayout] in Config.Location; upload_timestamp is when the batch was
// sealed, within its day. upload_sequence counts from 1. upload_id names the
// batch: an upload is repeated only if its id is not there. fetch_data holds the
// fetches as they were appended, every token as it was spelled; only white space
// between tokens is gone. The names, their order and the layout of the time are
// those of the script that this package replaces. An object that the script, or
// anyone else, began is appended to in the layout that it has, at any size, and
// not closed: all its other members and its entries keep their bytes.
//
// What RFC 8259 allows in a fetch, and not every reader takes, is kept as well:
// repeated names, and escaped surrogates that stand alone, such as "\ud83d". Python
// reads a day that holds one; jq 1.6 does not.
//
// # Compression
//
// With [Config.Compression] the object holds the same text, in one of the two
// layouts above; the 5 MiB are those of the object. A day keeps the compression
// that it began with. What no Writer compressed is refused, not appended to.
//
// [Zstd]: the key ends with .json.zst, and the object consists of frames, each
// with a checksum: one with what stands before the entries, two for each entry,
// of which the second holds its fetches, and one with the rest. None needs a
// window of more than 8 MiB. zstd -d, curl and the libraries read all of them.
//
// [Gzip]: the key ends with .json.gz, and the object is one member, so that also
// those read all of it that stop after the first. Each entry begins at a byte
// boundary, and refers to nothing before it.
//
// The fetches of an upload are compressed together, and read once to be sure,
// before they are sent; what stands around them is not compressed, since it
// changes. So an append costs what it does uncompressed, of fewer bytes. There is
// no Content-Encoding; the Content-Type is application/zstd or application/gzip.
//
// # Errors
//
// Errors of the Writer are an *[Error], which names the operation and the file
// or key. Branch on them with errors.Is: [ErrInvalidFetch], [ErrLocked],
// [ErrSpoolFull], [ErrPermanent], and fs.ErrClosed after Close.
//
// # Concurrency
//
// All methods may be called from any goroutine; Appends that come at once share
// one fsync. One Writer at a time may have a stream of a directory open, over
// all processes; another gets [ErrLocked]. A Writer that called
// [Writer.CloseAppend] may go on uploading while the next one appends.
//
// # Limits
//
// A fetch: 64 MiB and 500 levels deep unless the Config says otherwise. A batch
// and its fetches are held in memory: the one being filled, and one that is
// uploaded, or several: another one while they have less than 16 MiB together.
// With compression the latter are held compressed, and while that is done one
// fetch and, for zstd, 14 MiB, or 1 MiB for gzip. Linux and macOS; elsewhere Open
// says why not.
package rotatelog
