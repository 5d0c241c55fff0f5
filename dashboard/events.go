package dashboard

import (
	"context"
	"net/http"
	"time"
)

// serveEvents sends what changes on the page, until the browser leaves or does not read.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request) {
	name, ok := h.name(r)
	if !ok {
		http.Error(w, "there is no such stream", http.StatusNotFound)
		return
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), lookTimeout, errSlow)
	l, err := h.board.listen(ctx, name)
	cancel()
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	case l == nil:
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many listen already", http.StatusServiceUnavailable)
		return
	}
	defer h.board.leave(l)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // of proxies, which would keep events back
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{}) // that of the server, which is for requests that end
	flush := control.Flush
	if r.Method == http.MethodHead {
		return
	}
	for {
		select {
		case event := <-l.events:
			limitWriting(w)
			if _, err := w.Write(event); err != nil {
				return
			}
			if flush() != nil {
				return
			}
		case <-l.gone:
			return
		case <-r.Context().Done():
			return
		}
	}
}
