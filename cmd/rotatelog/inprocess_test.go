package main

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// inProcess is a network of this process alone: where a server waits for a connection, time
// can pass in a bubble.
type inProcess struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newInProcess() *inProcess {
	return &inProcess{connections: make(chan net.Conn), closed: make(chan struct{})}
}

// listen is for env.Listen.
func (p *inProcess) listen(string, string) (net.Listener, error) { return p, nil }

// Accept implements [net.Listener].
func (p *inProcess) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p *inProcess) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements [net.Listener].
func (p *inProcess) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// transport returns what makes requests to the server.
func (p *inProcess) transport() http.RoundTripper {
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		select {
		case p.connections <- there:
			return here, nil
		case <-p.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}}
}
