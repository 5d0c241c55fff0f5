package bench

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// TestLinkPassesBytes sends something both ways at once, and ends one way after
// the other.
func TestLinkPassesBytes(t *testing.T) {
	server := echo(t)
	link, err := NewLink(server, 50<<20, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	conn, err := net.Dial("tcp", link.Addr())
	if err != nil {
		t.Fatal(err)
	}
	sent := bytes.Repeat([]byte("0123456789abcde\n"), 64<<10)
	go func() {
		conn.Write(sent)
		conn.(*net.TCPConn).CloseWrite()
	}()
	received, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(received, sent) {
		t.Errorf("sent %d bytes, received %d, %v", len(sent), len(received), err)
	}
	conn.Close()
	if n := link.Bytes(); n != 2*int64(len(sent)) {
		t.Errorf("counted %d bytes for %d each way", n, len(sent))
	}
}

// TestLinkBreaksWhenTheServerIsGone: a server that does not answer is a broken connection.
func TestLinkBreaksWhenTheServerIsGone(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	link, err := NewLink(listener.Addr().String(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	conn, err := net.Dial("tcp", link.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes", n)
	}
}

func TestLaneSharesItsBandwidth(t *testing.T) {
	start := time.Date(2025, 7, 10, 0, 0, 0, 0, time.UTC)
	l := lane{bandwidth: 1000}
	for _, step := range []struct {
		at, left time.Duration
		n        int
	}{
		{0, time.Second, 1000},
		{0, 1500 * time.Millisecond, 500}, // behind the first
		{time.Second, 2 * time.Second, 500},
		{5 * time.Second, 5100 * time.Millisecond, 100}, // idle time is not saved up
	} {
		if left := l.admit(start.Add(step.at), step.n).Sub(start); left != step.left {
			t.Errorf("%d bytes at %v left at %v, want %v", step.n, step.at, left, step.left)
		}
	}
	if unlimited := (&lane{}); unlimited.admit(start, 1<<30) != start {
		t.Error("a lane without a limit has one")
	}
}

// echo returns the address of a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	return listener.Addr().String()
}
