package alert

import (
	"net/http"
	"testing"
)

func heartbeat(t *testing.T, url string) *Receiver {
	t.Helper()
	r, err := ParseHeartbeat(url)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The heartbeat comes each five minutes, well or not; not after a start, and not while a
// page cannot be sent.
func TestHeartbeat(t *testing.T) {
	in, down := newInbox(t), newInbox(t)
	cfg := Config{Dir: spool(t), Heartbeat: heartbeat(t, in.URL+"/SECRET")}
	must(t, cfg, "10 12:00", "10 12:01", "10 12:04", "10 12:05 clock=error", "10 12:10", "10 12:11 started=10:12:10", "10 12:15 started=10:12:12")
	in.want(t, "/SECRET", "/SECRET", "/SECRET")
	must(t, cfg, "10 12:17 started=10:12:12", "10 11:00") // the clock is set back
	in.want(t, "/SECRET")
	must(t, cfg, "10 11:05")
	in.want(t, "/SECRET")
	cfg.Page = receivers(t, "webhook:"+down.URL)
	down.answers(func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusGone) })
	must(t, cfg, "10 12:20"+bad)
	in.want(t, "/SECRET")
	evaluate(t, cfg, "10 12:25"+bad)
	evaluate(t, cfg, "10 12:30"+bad)
	in.want(t)
	down.answers(nil)
	must(t, cfg, "10 12:45"+bad)
	in.want(t, "/SECRET")
	in.answers(func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) })
	_, err := evaluate(t, cfg, "10 12:50"+bad)
	wantNoSecret(t, err)
	in.answers(nil)
	must(t, cfg, "10 12:51"+bad)
	in.want(t, "/SECRET", "/SECRET")
}
