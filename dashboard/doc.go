// Package dashboard is a page that shows whether streams are well: whether anything is
// wrong and what to do, whether fetches come, whether they are in the store, how many came
// today, and how long the disk lasts. A [Handler] is an http.Handler:
//
//	page, err := dashboard.New(dashboard.Config{Streams: []dashboard.Stream{{Dir: cfg.Dir, Writer: w}}})
//	…
//	mux.Handle("/rotatelog/", http.StripPrefix("/rotatelog", page))
//
// It serves, below wherever it is mounted:
//
//	/               the page; /?stream=NAME begins with that stream
//	/events         what changes on it, as server-sent events
//	/healthz        200 and "ok"; 503 if something is worth a mail or worse, or cannot be seen
//	/api/v1/status  what rotatelog status --json prints, from what this page knows
//	/metrics        Config.Metrics, if that is set
//
// The page needs nothing but itself: no script of others, no font, no request elsewhere. It
// can be read without JavaScript, and then loads itself again twice a minute. With it, it
// is live, and says so when it is not.
//
// # Who may look
//
// The Handler changes nothing, and shows neither secrets nor anything of what was fetched.
// It does show names of streams, paths and counts. With Config.Token, whoever looks has to
// know that: as a bearer token, or as the password of HTTP basic authentication, for which
// browsers ask. Both travel as they are, so use TLS beyond the own machine. Without a
// Token, let nobody reach it who should not see it.
//
// # Cost
//
// The spools are looked at once a second while somebody looks, however many do, and at other
// times only when asked. They are read only if their files have changed. Metrics and alerts
// can share that look: see [Handler.Facts] and [Handler.Snapshot]. Up to [Listeners]
// listen to events at a time. One that does not read is dropped.
package dashboard
