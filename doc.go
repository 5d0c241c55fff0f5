// Package rotatelog keeps every response fetched from an API. Each fetch is
// durable on local disk when [Writer.Append] returns. Then, ten at a time, fetches
// are appended exactly once to one valid JSON object per New York calendar day in
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
//	defer w.Close() // does not upload; the next Open continues
//	for fetch := range fetches {
//		r, err := w.Append(ctx, fetch) // nil means: on disk
//		if err != nil {
//			return err
//		}
//		fmt.Printf("%v, fetch %d: %d matches\n", r.Day, r.Number, r.Matches)
//	}
//	return w.Drain(ctx) // waits for full batches; Flush also uploads the unfinished one
//
// A fetch is one JSON object. Up to ten fetches make a batch. The tenth fetch seals
// the batch, as do midnight, a fetch of another day, and [Writer.Flush]. A batch in
// the day's object is called an upload. A day is a calendar date in
// [Config.Location].
//
// A [Store] holds the days' objects: [example.com/rotatelog/s3store] keeps them in a
// bucket, [example.com/rotatelog/dirstore] in a directory. An [Archive] reads them, and
// [example.com/rotatelog/archive] verifies and restores them. [Inspect] says what a spool
// holds, and [example.com/rotatelog/health] what is wrong: [example.com/rotatelog/alert]
// tells people, [example.com/rotatelog/dashboard] is a page of it, and
// [example.com/rotatelog/prom] has the metrics.
//
// # Guarantees
//
// P1, durable: once Append returns nil, the fetch survives a power cut (by default).
//
// P2, exactly once: at every instant each acknowledged fetch is in the spool or in
// the store, never twice in the store, and in append order within its upload. This
// holds through crashes, retries, lost or false replies, and restarts. If the disk
// survives and the store accepts writes for long enough, the fetch is in the store.
// An error from Append means "not acknowledged", not "not stored". With
// [Config.Identity] it may be repeated all the same, and the fetch is stored once.
//
// P3, never clobber: a failed read is never taken for a missing object, so it
// never causes an overwrite. Our uploads only make a day's object grow.
//
// P4, always valid: at every instant the day's object parses as one document, and
// its daily_metadata agrees with its uploads. The local file parses after every
// append and every recovery.
//
// P5, right day: a fetch is in the object of the day on which it was made. The batch
// is sealed at midnight even if nothing is appended, on days of 23 and 25 hours too.
//
// P6, no waiting: [Open], Append and [Writer.Write] use no network. A failed upload
// is logged, counted, and retried with backoff; Flush, [Writer.Drain],
// [Writer.Stats] and [Hooks] report it.
//
// P7, flat cost: an upload sends the batch to the store, and holds it in memory, but
// not the day. The server still copies the day: see docs/BENCHMARKS.md. A day below
// 5 MiB is sent whole.
//
// P8, nothing silent: an error that no retry can fix says what to do.
//
// Assumed: fsync is honest; overwriting is power-safe (bytes outside the written
// range do not change); after a power cut unsynced ranges hold the old bytes,
// zeros, or are missing; the store is linearizable for each key; nobody else edits
// the spool or runs from a copy of its directory.
//
// Not guaranteed: order across hosts; that a fetch is absent because it was not
// acknowledged; protection of the local file from edits while no Writer has it open.
// An edit while one has it open is undone at the next append, and kept in damaged/.
//
// # Errors
//
// A Writer returns an [*Error], which names the operation and the file or key.
// Branch on it with [errors.Is]: [ErrInvalidFetch], [ErrLocked], [ErrSpoolFull],
// [ErrPermanent], and [io/fs.ErrClosed] after Close. The Writer remains usable after
// any error. docs/TROUBLESHOOTING.md explains each message. [Writer.Stats] and
// [Writer.Today] say how a Writer is doing, [Inspect] how another process's is, and
// [SpoolReader.Follow] shows what it appends.
//
// # Concurrency
//
// All methods may be called from any goroutine; concurrent Appends share one fsync.
// Over all processes, one Writer at a time may have a stream of a directory open;
// another gets ErrLocked. A Writer that has called [Writer.CloseAppend] may still
// upload while the next one appends. Writers may share a Store, a Clock, a Logger and,
// with different Names, the directory.
//
// # Limits
//
// A fetch has at most 64 MiB and 500 levels, unless the Config says otherwise. Memory
// holds the batch being filled and what is being uploaded: one batch, or several below
// 16 MiB. Compression holds that compressed, and takes another fetch plus 14 MiB for
// zstd, or 1 MiB for gzip. Only Linux and macOS work; elsewhere Open says why not.
//
// # Formats
//
// docs/FORMAT.md describes the local files and the day's object, docs/READING.md how
// to read it, docs/ARCHITECTURE.md the path of a fetch.
package rotatelog
