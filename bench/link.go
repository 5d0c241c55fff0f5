package bench

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Link is a TCP proxy in front of a server, with a given delay and bandwidth. It
// counts the bytes that pass.
type Link struct {
	listener net.Listener
	target   string
	up, down lane
}

// NewLink returns a Link to a server at target, host:port. bandwidth is in bytes
// a second each way, for all connections together; 0 means no limit. delay is
// that of one direction.
func NewLink(target string, bandwidth int64, delay time.Duration) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{listener: listener, target: target}
	l.up.bandwidth, l.up.delay = bandwidth, delay
	l.down.bandwidth, l.down.delay = bandwidth, delay
	go l.serve()
	return l, nil
}

// Addr is where to connect.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Bytes returns how many bytes have gone to the server and come from it. A nil
// Link has passed none.
func (l *Link) Bytes() int64 {
	if l == nil {
		return 0
	}
	return l.up.passed.Load() + l.down.passed.Load()
}

// Close accepts no more connections. Open ones last until either end closes them.
func (l *Link) Close() error { return l.listener.Close() }

func (l *Link) serve() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.connect(client)
	}
}

func (l *Link) connect(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer server.Close()
	var ways sync.WaitGroup
	ways.Go(func() { l.up.carry(server, client) })
	ways.Go(func() { l.down.carry(client, server) })
	ways.Wait()
}

// lane is one direction of a Link.
type lane struct {
	bandwidth int64
	delay     time.Duration
	passed    atomic.Int64

	mu   sync.Mutex
	free time.Time // when all that was admitted has left
}

const (
	chunkSize = 32 << 10
	// ahead is how much may be read before its time, so that late timers do not
	// cost bandwidth.
	ahead = 2 * time.Millisecond
	// inFlight is how many chunks a connection may have on their way: half a
	// second of 100 MB/s.
	inFlight = 1600
)

// admit returns when n bytes that arrived at now have left.
func (l *lane) admit(now time.Time, n int) time.Time {
	l.passed.Add(int64(n))
	if l.bandwidth == 0 {
		return now
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(int64(n) * int64(time.Second) / l.bandwidth))
	return l.free
}

// chunk is bytes on their way.
type chunk struct {
	data    []byte
	arrives time.Time
}

// carry moves one direction of a connection until it ends or breaks.
func (l *lane) carry(to, from net.Conn) {
	way := make(chan chunk, inFlight)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(way)
		for {
			data := make([]byte, chunkSize)
			n, err := from.Read(data)
			left := l.admit(time.Now(), n)
			way <- chunk{data[:n], left.Add(l.delay)}
			if err != nil {
				return
			}
			time.Sleep(time.Until(left) - ahead)
		}
	})
	if deliver(to, way) != nil { // the other end is gone
		from.Close()
		to.Close()
	}
	for range way { // drop the rest
	}
	reading.Wait()
}

// deliver writes each chunk when it arrives, and hands on the end.
func deliver(to net.Conn, way <-chan chunk) error {
	for c := range way {
		time.Sleep(time.Until(c.arrives))
		if _, err := to.Write(c.data); err != nil {
			return err
		}
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return io.ErrClosedPipe
}
