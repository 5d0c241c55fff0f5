package storeurl

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog/clocktest"
)

func TestClockAhead(t *testing.T) {
	clock := clocktest.New(time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC))
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		want   time.Duration
		err    string
	}{
		{"the server's clock is behind", 403, http.Header{"Date": {"Thu, 10 Jul 2025 15:59:00 GMT"}}, time.Minute, ""},
		{"the server's clock is ahead", 200, http.Header{"Date": {"Thu, 10 Jul 2025 16:10:00 GMT"}}, -10 * time.Minute, ""},
		{"a proxy answers", 503, http.Header{"Date": {"Thu, 10 Jul 2025 15:59:00 GMT"}}, 0, "does not say what time it is (status 503)"},
		{"a cache answers", 200, http.Header{"Date": {"Thu, 10 Jul 2025 15:59:00 GMT"}, "Age": {"60"}}, 0, "does not say what time it is"},
		{"no date", 200, http.Header{"Date": nil}, 0, "does not say what time it is"},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodHead || r.Header.Get("Authorization") != "" {
					t.Errorf("%s, with %v", r.Method, r.Header)
				}
				for name, values := range test.header {
					w.Header()[name] = values
				}
				w.WriteHeader(test.status)
			}))
			defer srv.Close()
			p := &Place{Endpoint: srv.URL}
			got, err := p.ClockAhead(t.Context(), clock, nil)
			if (got-test.want).Abs() > time.Second || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("%v, %v, want %v, %q", got, err, test.want, test.err)
			}
		})
	}
}

// A server that does not answer is not waited for.
func TestClockIsNotWaitedFor(t *testing.T) {
	cause := errors.New("not within 2 s")
	ctx, cancel := context.WithCancelCause(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel(cause)
		<-r.Context().Done()
	}))
	defer srv.Close()
	p := &Place{Endpoint: srv.URL}
	if _, err := p.ClockAhead(ctx, clocktest.New(time.Time{}), nil); !errors.Is(err, cause) {
		t.Errorf("%v, want %v", err, cause)
	}
}
