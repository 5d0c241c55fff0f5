package fakes3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func do(ctx context.Context, h http.HandlerFunc, method, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "https://s3.test/a%2Fb?q=1", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	return (&http.Client{Transport: Transport(h)}).Do(r)
}

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTransportHandsOver(t *testing.T) {
	resp, err := do(t.Context(), func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "ping" || r.ContentLength != 4 {
			t.Errorf("body %q of %d, %v", body, r.ContentLength, err)
		}
		if r.RequestURI != "/a%2Fb?q=1" || r.URL.Path != "/a/b" || r.URL.Host != "" || r.Host != "s3.test" || r.TLS == nil {
			t.Errorf("request %s %v host %s", r.RequestURI, r.URL, r.Host)
		}
		w.Header().Set("X-Test", "before")
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Test", "after")
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, "po")
		http.NewResponseController(w).Flush()
		io.WriteString(w, "ng")
	}, "POST", "ping")
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusTeapot || resp.Header.Get("X-Test") != "before" || resp.ContentLength != -1 {
		t.Errorf("got %v %v %d", resp.Status, resp.Header, resp.ContentLength)
	}
	if got := readAll(t, resp); got != "pong" {
		t.Errorf("body %q", got)
	}
}

func TestTransportEndings(t *testing.T) {
	tests := []struct {
		what    string
		method  string
		handler http.HandlerFunc
		doErr   bool
		body    string
		readErr error
	}{
		{"silence is 200", "GET", func(http.ResponseWriter, *http.Request) {}, false, "", nil},
		{"dropped before the header", "GET", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true, "", nil},
		{"dropped after the header", "GET", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "ha")
			panic(http.ErrAbortHandler)
		}, false, "ha", io.ErrUnexpectedEOF},
		{"less than promised", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "ha")
		}, false, "ha", io.ErrUnexpectedEOF},
		{"more than promised", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			io.WriteString(w, "ha")
			if _, err := io.WriteString(w, "!"); err != http.ErrContentLength {
				t.Errorf("more than promised: %v", err)
			}
		}, false, "ha", nil},
		{"HEAD has no body", "HEAD", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			io.WriteString(w, "ha")
		}, false, "", nil},
		{"nor has 204", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			io.WriteString(w, "ha")
		}, false, "", nil},
		{"a goroutine that ends", "GET", func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, true, "", nil},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			resp, err := do(t.Context(), test.handler, test.method, "")
			if test.doErr {
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("got %v, %v", resp, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); string(body) != test.body || err != test.readErr {
				t.Errorf("read %q, %v, want %q, %v", body, err, test.body, test.readErr)
			}
		})
	}
}

func TestTransportEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := make(chan struct{})
		hang := func(http.ResponseWriter, *http.Request) { <-hung }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := do(ctx, hang, "GET", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while the handler hangs: %v", err)
		}
		close(hung)
		if _, err := do(ctx, hang, "GET", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the end: %v", err)
		}

		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		resp, err := do(ctx, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "ha")
			<-r.Context().Done()
		}, "GET", "")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); string(body) != "ha" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while reading: %q, %v", body, err)
		}
	})
}

func TestTransportLetsGoOfUnreadBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails when a goroutine stays
		resp, err := do(t.Context(), func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "ha")
			if _, err := io.WriteString(w, "ha"); err == nil {
				t.Error("nobody reads, and no error")
			}
		}, "GET", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := resp.Body.Read(make([]byte, 2)); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
	})
}

func TestTransportClosesRequestBody(t *testing.T) {
	var kept io.Reader
	if _, err := do(t.Context(), func(_ http.ResponseWriter, r *http.Request) { kept = r.Body }, "PUT", "ping"); err != nil {
		t.Fatal(err)
	}
	if n, err := kept.Read(make([]byte, 4)); n != 0 || err != http.ErrBodyReadAfterClose {
		t.Errorf("read %d, %v after the end", n, err)
	}
}

// The real client in a bubble: an hour passes at once, and faults that wait end
// with the request.
func TestClientInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newTestServer(Strict())
		c := newClient(srv)
		srv.Fault = func(op Op) Fault {
			switch {
			case op.Name == "PutObject" && op.N == 1:
				return Fault{Delay: time.Hour}
			case op.Name == "PutObject" && op.N == 2:
				return Fault{Delay: time.Hour, After: true}
			case op.Name == "GetObject" && op.N == 1:
				return Fault{Trickle: 1, Pause: time.Minute}
			}
			return Fault{}
		}
		start := time.Now()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := put(short, c, "k", "one"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("put: %v", err)
		}
		synctest.Wait()
		wantNoObject(t, srv, "k")
		short, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := put(short, c, "k", "two"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("put: %v", err)
		}
		wantObject(t, srv, "k", "two")
		if got, err := get(t.Context(), c, "k"); err != nil || got != "two" {
			t.Errorf("get: %q, %v", got, err)
		}
		if got := time.Since(start); got != 3*time.Minute+2*time.Second {
			t.Errorf("it took %v", got)
		}
	})
}

func TestServerIsAnOrdinaryHandler(t *testing.T) {
	ts := httptest.NewServer(New(Options{}))
	defer ts.Close()
	resp, err := http.Get(ts.URL)
	if err != nil {
		t.Fatal(err)
	}
	if body := readAll(t, resp); resp.StatusCode != 403 || !strings.Contains(body, "AccessDenied") {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
}
