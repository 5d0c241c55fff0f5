package dashboard

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// pipes is a network in which time is that of the bubble.
type pipes struct {
	conns  chan net.Conn
	ctx    context.Context
	cancel context.CancelFunc
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	p.cancel()
	return nil
}

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// serving serves a handler to connections.
func (w *world) serving(server *http.Server) pipes {
	p := pipes{conns: make(chan net.Conn)}
	p.ctx, p.cancel = context.WithCancel(w.t.Context())
	go server.Serve(p)
	w.t.Cleanup(func() { server.Close() })
	return p
}

// send sends a request, as far as it goes.
func (p pipes) send(t *testing.T, request string) net.Conn {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { here.Close() })
	p.conns <- there
	go io.WriteString(here, request)
	return here
}

// Nobody waits for a body, which a request that looks has no use for: who announces one and
// sends none would keep its connection for ever, and there may be many.
func TestNoBodyIsWaitedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		for _, token := range []string{"", "correct horse battery"} {
			p := w.serving(&http.Server{Handler: w.handler(Config{Token: token})})
			for _, line := range []string{"GET /", "GET /healthz", "GET /events", "HEAD /", "POST /", "PUT /events", "GET /none", "GET /?stream=none"} {
				for _, body := range []string{"Content-Length: 10\r\n\r\n12345", "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"} {
					conn := p.send(w.t, line+" HTTP/1.1\r\nHost: web1\r\n"+body)
					conn.SetDeadline(time.Now().Add(time.Minute))
					read := bufio.NewReader(conn)
					if _, err := http.ReadResponse(read, nil); err != nil {
						t.Errorf("%s, token %q: %v", line, token, err)
					}
					if _, err := io.Copy(io.Discard, read); err != nil {
						t.Errorf("%s, token %q: the connection is kept: %v", line, token, err)
					}
					conn.Close()
				}
			}
		}
	})
}

// Events go on where the server of a program limits how long a request may take.
func TestEventsOutlastTheTimeoutsOfAServer(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		p := w.serving(&http.Server{Handler: w.handler(Config{}), ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, ReadHeaderTimeout: time.Second})
		conn := p.send(w.t, "GET /events HTTP/1.1\r\nHost: web1\r\n\r\n")
		conn.SetDeadline(time.Now().Add(time.Minute))
		events := 0
		for lines := bufio.NewScanner(conn); events < 30 && lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "data: ") {
				events++
			}
		}
		if events < 30 {
			t.Errorf("%d events", events)
		}
	})
}

// Whoever gets an answer and does not read it is left, whatever the answer is.
func TestNoAnswerWaitsForItsReader(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		for _, token := range []string{"", "correct horse battery"} {
			ended := make(chan struct{}, 10)
			server := &http.Server{Handler: w.handler(Config{Token: token}), ConnState: func(_ net.Conn, s http.ConnState) {
				if s == http.StateClosed {
					ended <- struct{}{}
				}
			}}
			p := w.serving(server)
			for _, line := range []string{"GET /", "GET /events", "POST /", "GET /none"} {
				ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
				p.send(w.t, line+" HTTP/1.1\r\nHost: web1\r\n\r\n")
				select {
				case <-ended:
				case <-ctx.Done():
					t.Errorf("%s, token %q: the connection is still there after a minute", line, token)
				}
				cancel()
			}
		}
	})
}
