// Package rotatelog keeps every fetch of an API: on local disk the moment
// [Writer.Append] returns, and then, ten fetches at a time, appended exactly
// once to one valid JSON object per New York calendar day in S3-compatible
// storage.
//
//	store, err := dirstore.Open("/var/lib/logs")
//	if err != nil {
//		return err
//	}
//	w, err := rotatelog.Open(ctx, rotatelog.Config{Dir: "1_all_api", Store: store})
//	if err != nil {
//		return err
//	}
//	defer w.Close() // uploads nothing; the next Open continues
//	for fetch := range fetches {
//		r, err := w.Append(ctx, fetch) // nil: on disk
//		if err != nil {
//			return err
//		}
//		fmt.Printf("%v, fetch %d: %d matches\n", r.Day, r.Number, r.Matches)
//	}
//	return w.Drain(ctx) // full batches; Flush would upload the unfinished one too
//
// A fetch is one JSON object. Up to ten fetches make a batch, which is sealed by
// the tenth, by midnight, by a fetch of another day, or by [Writer.Flush]. A batch
// in the day's object is an upload. A day is a calendar date in [Config.Location].
//
// A [Store] holds the objects of the days: package
// [example.com/rotatelog/s3store] keeps them in a bucket, and
// [example.com/rotatelog/dirstore] in a directory.
//
// # Guarantees
//
// P1, durable: when Append returns nil, the fetch survives a power cut (with
// [SyncAppend], the default).
//
// P2, exactly once: at every instant each acknowledged fetch is in the spool or in
// the store, and never twice in the store, in append order within its upload,
// whatever crashes, retries, lost or false replies and restarts happen. If the
// disk survives and the store accepts writes long enough, it is in the store. An
// error from Append means "not acknowledged", not "not stored".
//
// P3, never clobber: a failed read is never taken for a missing object, so it
// never causes an overwrite. A day's object only grows by our uploads.
//
// P4, always valid: at every instant the day's object, and after every append and
// every recovery the local file, parses as one document, and daily_metadata agrees
// with uploads.
//
// P5, true day: a fetch is in the object of the day it was made on. The batch is
// sealed at midnight, also when nothing is appended, on days of 23 and 25 hours too.
//
// P6, no waiting: [Open], Append and [Writer.Write] use no network. An upload that
// fails is logged, counted, and retried with backoff; it surfaces in Flush,
// [Writer.Drain], [Writer.Stats] and [Hooks].
//
// P7, flat cost: an upload moves the batch between client and store, and holds it
// in memory, but not the day. The server still copies the day: see
// docs/BENCHMARKS.md. A day below 5 MiB is sent whole.
//
// P8, nothing silent: an error that no retry can fix says what to do.
//
// Assumed: fsync is honest; overwriting is power-safe (bytes outside the written
// range do not change); after a power cut unsynced ranges hold the old bytes,
// zeros, or are missing; the store is linearizable for each key; nobody else edits
// the spool or clones its directory.
//
// Not guaranteed: order across hosts; a fetch that was never acknowledged; an edit
// of the local file by another program while no Writer has it open. One that is made
// while a Writer has it open is noticed at the next append, set aside, and undone.
//
// # Errors
//
// Errors of a Writer are an [*Error], which names the operation and the file or key.
// Branch on them with [errors.Is]: [ErrInvalidFetch], [ErrLocked], [ErrSpoolFull],
// [ErrPermanent], and [io/fs.ErrClosed] after Close. After any error the Writer can
// still be used. docs/TROUBLESHOOTING.md explains each message.
//
// # Concurrency
//
// All methods may be called from any goroutine; Appends that come at once share one
// fsync. One Writer at a time may have a stream of a directory open, over all
// processes; another gets ErrLocked. A Writer that called [Writer.CloseAppend] may
// still upload while the next one appends.
//
// # Limits
//
// A fetch has at most 64 MiB and 500 levels, unless the Config says otherwise. A
// batch and its fetches are held in memory: the one being filled, and what is being
// uploaded, which is one batch, or several as long as they have less than 16 MiB
// together. With compression the latter are held compressed, and while that is done
// one fetch and, for zstd, 14 MiB, or 1 MiB for gzip. Linux and macOS; elsewhere
// Open says why not.
//
// # Formats
//
// docs/FORMAT.md describes the local files, the day's object and its compression,
// docs/ARCHITECTURE.md how a fetch gets there.
package rotatelog
