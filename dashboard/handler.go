package dashboard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"example.com/rotatelog/health"
)

// A Handler serves the page, and what programs want to know. It is safe for concurrent use.
type Handler struct {
	cfg   Config
	board *board
	paths map[string]http.HandlerFunc
}

// Limits of a request.
const (
	lookTimeout  = 5 * time.Second  // for a look at the streams, which a disk may delay
	writeTimeout = 10 * time.Second // for an answer, or an event
	bodyTimeout  = time.Second      // for a body, which nobody reads
)

func (h *Handler) routes() {
	h.paths = map[string]http.HandlerFunc{
		"/":              h.servePage,
		"/events":        h.serveEvents,
		"/healthz":       h.serveHealth,
		"/api/v1/status": h.serveStatus,
	}
	for state := range icons() {
		h.paths["/icon/"+state+".svg"] = h.serveIcon
	}
	if h.cfg.Metrics != nil {
		h.paths["/metrics"] = h.cfg.Metrics.ServeHTTP
	}
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	limitWriting(w)
	if r.ContentLength != 0 { // the server would wait for a body before it answers, and after that
		w.Header().Set("Connection", "close")
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	}
	if !h.mayLook(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="rotatelog", charset="UTF-8"`)
		http.Error(w, "who looks has to know the token: as a bearer token, or as the password of any user", http.StatusUnauthorized)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "nothing can be changed here", http.StatusMethodNotAllowed)
		return
	}
	if r.ContentLength != 0 {
		http.Error(w, "a request that looks has no body", http.StatusBadRequest)
		return
	}
	if r.URL.Path == "" { // mounted at /rotatelog, and asked for that
		name := "."
		if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
			name = path.Base(u.EscapedPath())
		}
		w.Header().Set("Location", "./"+name+"/") // relative: a proxy may have another prefix
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	serve, ok := h.paths[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	serve(w, r)
}

// setHeaders sets what keeps a page to itself.
func setHeaders(header http.Header) {
	header.Set("Content-Security-Policy", policy())
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
}

// limitWriting has an answer fail that nobody reads. Where that is not possible, as in
// tests without a connection, nothing blocks either.
func limitWriting(w http.ResponseWriter) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}

// mayLook reports whether the request has the token. How long that takes does not depend on
// what is right of it.
func (h *Handler) mayLook(r *http.Request) bool {
	if h.cfg.Token == "" {
		return true
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		_, token, _ = r.BasicAuth()
	}
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(h.cfg.Token))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// Watch keeps what is known up to date until ctx is done, so that the page is there at
// once, and draws the whole day. Without it, that happens while somebody looks. It returns
// the cause of ctx.
func (h *Handler) Watch(ctx context.Context) error {
	leave := h.board.watch()
	defer leave()
	if _, err := h.board.look(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// Snapshot returns what was seen less than a second ago, else it looks. It takes five
// seconds at most.
func (h *Handler) Snapshot(ctx context.Context) (Snapshot, error) {
	s, err := h.seen(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	return s.public(), nil
}

// Facts returns what was found out about a stream less than a second ago, else it looks.
// They are shared, and must not be changed. It is for metrics, so that these cost no other
// look: see Stream.Look of package prom. It takes five seconds at most.
func (h *Handler) Facts(ctx context.Context, stream string) (health.Facts, error) {
	s, err := h.seen(ctx)
	if err != nil {
		return health.Facts{}, err
	}
	for _, v := range s.streams {
		if v.Summary.Stream == stream {
			return v.facts, v.err
		}
	}
	return health.Facts{}, fmt.Errorf("dashboard: there is no stream %q in Config.Streams", stream)
}

// seen is board.look, which a disk does not delay for long.
func (h *Handler) seen(ctx context.Context) (*seen, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lookTimeout, errSlow)
	defer cancel()
	return h.board.look(ctx)
}

// look is seen for a request: it answers the request itself, and returns nil, if there is
// nothing to show.
func (h *Handler) look(w http.ResponseWriter, r *http.Request) *seen {
	s, err := h.seen(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return nil
	}
	return s
}

var errSlow = errors.New("the spool could not be read in 5 s: see whether its disk hangs")

// name returns the stream that the page begins with.
func (h *Handler) name(r *http.Request) (string, bool) {
	name := r.URL.Query().Get("stream")
	for _, s := range h.board.watched.streams {
		if s.Name == name || name == "" {
			return s.Name, true
		}
	}
	return "", false
}

func (h *Handler) servePage(w http.ResponseWriter, r *http.Request) {
	name, ok := h.name(r)
	if !ok {
		http.Error(w, "there is no such stream", http.StatusNotFound)
		return
	}
	if s := h.look(w, r); s != nil {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(h.board.page(s, name).document())
	}
}

func (h *Handler) serveHealth(w http.ResponseWriter, r *http.Request) {
	s := h.look(w, r)
	if s == nil {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text, good := healthOf(s)
	if !good {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	w.Write([]byte(text))
}

// healthOf returns a line for each stream that is not well, and whether all is good: a
// warning is no reason to restart something.
func healthOf(s *seen) (text string, good bool) {
	good = true
	for _, v := range s.streams {
		state, code := v.State()
		if v.Rank() == 0 {
			continue
		}
		good = good && !v.Obscured() && v.Worst() < health.Error
		text += strings.TrimSpace(strings.ToLower(state)+" "+code) + " " + v.Summary.Stream + "\n"
	}
	if text == "" {
		text = "ok\n"
	}
	return text, good
}

func (h *Handler) serveStatus(w http.ResponseWriter, r *http.Request) {
	s := h.look(w, r)
	if s == nil {
		return
	}
	var text []byte
	for _, v := range s.streams {
		lines, err := v.JSON()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		text = append(text, lines...)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Write(text)
}

func (h *Handler) serveIcon(w http.ResponseWriter, r *http.Request) {
	state := strings.TrimSuffix(path.Base(r.URL.Path), ".svg")
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Write([]byte(icons()[state]))
}

// hashed returns the source expression of an inline style or script.
func hashed(base64Sum string) string { return "'sha256-" + base64Sum + "'" }

// short returns the beginning of a checksum, to tell versions of the page apart.
func short(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:6]) }
