// Package prom has the metrics of streams for Prometheus. A [Collector] is a
// prometheus.Collector that the program registers where it likes. It watches Writers of
// the same process, and spools: those that other processes append to, if only for one
// fetch each.
//
//	c := prom.New()
//	cfg.Hooks = c.Hooks(cfg.Hooks) // for durations
//	w, err := rotatelog.Open(ctx, cfg)
//	…
//	err = c.Add(prom.Stream{Name: cfg.Name, Dir: cfg.Dir, Writer: w})
//	…
//	registry.MustRegister(c)
//
// Each metric has the label stream. Where something is not known, it has no metric.
//
//	rotatelog_fetches_total                         put on disk
//	rotatelog_matches_total                         in them
//	rotatelog_fetches_uncounted_total               among them
//	rotatelog_appends_refused_total{reason}         Appends that returned an error
//	rotatelog_append_duration_seconds               histogram; W, H
//	rotatelog_uploads_total                         batches seen in their day's object
//	rotatelog_upload_attempts_total
//	rotatelog_upload_failures_total
//	rotatelog_upload_conflicts_total                writes lost to another Writer of the key
//	rotatelog_upload_duration_seconds               histogram, of the write; W, H
//	rotatelog_upload_wait_seconds                   histogram, from sealing to the object; W, H
//	rotatelog_repairs_total                         of the spool
//
//	rotatelog_last_fetch_timestamp_seconds          when one was last put on disk
//	rotatelog_last_upload_timestamp_seconds         when a batch was last seen in its object
//	rotatelog_fetch_interval_seconds                usual time between two fetches; D
//	rotatelog_unfinished_fetches                    in the batch that is being filled; D
//	rotatelog_pending_batches                       wait for the store
//	rotatelog_pending_bytes                         of their files
//	rotatelog_pending_oldest_timestamp_seconds      when the oldest was sealed; none if none waits
//	rotatelog_upload_refused                        1 while uploads fail as no retry can fix
//	rotatelog_today_uploads                         in today's object, when it was looked at last
//	rotatelog_today_fetches
//	rotatelog_today_matches
//	rotatelog_today_object_size_bytes               as stored
//	rotatelog_today_looked_timestamp_seconds
//	rotatelog_disk_free_bytes                       D
//	rotatelog_disk_lasts_seconds                    until it is full, 90 days at most; D
//	rotatelog_finding_severity{code}                0 ok, 1 warning, 2 error, 3 critical; D;
//	                                                none if it could not be looked for
//	rotatelog_stream_readable                       0 if the spool could not be read
//
// W needs Stream.Writer, D needs Stream.Dir or Stream.Look, and H the hooks of
// [Collector.Hooks].
//
// # Counters
//
// The counters of a Writer begin when it is opened. If another Writer of the stream takes
// its place, they go on.
//
// Those of a spool must not depend on a process: neither on those that append, which end
// after a fetch, nor on the one that is scraped. So they are read from what the spool says of
// each day, for the current month: the counts of 35 days are kept, and thus those of a
// month never go down. When a month begins, in the zone of Stream.Options, they start
// again from what happened in it, which rate and increase take for what it is, a reset.
// So they do if the spool loses its state. Several processes that watch a spool, and
// one that was just started, see the same values.
//
// # Cost
//
// A spool is read at most once a second, however many scrape, and only if its files have
// changed. Reading takes time in proportion to the unfinished batch, and to the number of
// batches that are kept. A program that reads it anyway, as a page does, shares what it
// reads by Stream.Look.
package prom
