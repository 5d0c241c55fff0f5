package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Forms says what a receiver looks like.
const Forms = "ntfy:URL, webhook:URL or exec:CMD"

// A Receiver is where messages go. What it prints has no secret.
type Receiver struct {
	kind string   // "ntfy", "webhook", "exec" or "heartbeat"
	url  *url.URL // nil of exec
	cmd  string
}

// next is where in a list another receiver begins.
var next = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[,\s]\s*(?:ntfy|webhook|exec):`) })

// ParseReceivers parses a list such as "ntfy:https://ntfy.sh/topic,exec:/usr/local/bin/tell",
// with commas between them. Its errors have no secret.
func ParseReceivers(list string) ([]*Receiver, error) {
	var receivers []*Receiver
	for rest := strings.TrimSpace(list); rest != ""; {
		one := rest
		if at := next().FindStringIndex(rest); at != nil {
			one, rest = rest[:at[0]], strings.TrimLeft(rest[at[0]:], ", \t")
		} else {
			rest = ""
		}
		r, err := parseReceiver(strings.Trim(one, ", \t"))
		if err != nil {
			return nil, fmt.Errorf("receiver %d: %w", len(receivers)+1, err)
		}
		receivers = append(receivers, r)
	}
	return receivers, nil
}

func parseReceiver(text string) (*Receiver, error) {
	kind, rest, ok := strings.Cut(text, ":")
	switch {
	case ok && kind == "exec":
		if rest = strings.TrimSpace(rest); rest == "" {
			return nil, errors.New("exec: has no command")
		}
		return &Receiver{kind: kind, cmd: rest}, nil
	case ok && (kind == "ntfy" || kind == "webhook"):
		u, err := parseURL(rest)
		if err == nil && kind == "ntfy" && strings.Trim(u.Path, "/") == "" {
			err = errors.New("the URL has no topic, as in ntfy:https://ntfy.sh/TOPIC")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		return &Receiver{kind: kind, url: u}, nil
	}
	return nil, fmt.Errorf("it does not begin like %s", Forms)
}

// ParseHeartbeat parses the URL of a heartbeat. Its errors have no secret.
func ParseHeartbeat(text string) (*Receiver, error) {
	u, err := parseURL(text)
	if err != nil {
		return nil, err
	}
	return &Receiver{kind: "heartbeat", url: u}, nil
}

// parseURL parses a URL. What url.Parse says of it would have all of it.
func parseURL(text string) (*url.URL, error) {
	if strings.ContainsAny(text, ", \t") {
		return nil, errors.New("a URL has no comma and no space: write %2C and %20, and " + Forms + " before each receiver")
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return nil, errors.New("it is not followed by https:// and a host")
	}
	return u, nil
}

// String returns the kind and the host: the rest is secret.
func (r Receiver) String() string {
	if r.url == nil {
		return r.kind
	}
	return r.kind + " " + r.url.Host
}

// Format has all verbs print what String returns, also those that look into a value.
func (r Receiver) Format(f fmt.State, _ rune) { fmt.Fprint(f, r.String()) }

// InClear reports whether messages, and the URL, go to another machine unencrypted.
func (r Receiver) InClear() bool {
	if r.url == nil || r.url.Scheme != "http" {
		return false
	}
	host := r.url.Hostname()
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// MarshalText returns what String does: a Receiver that is written somewhere has no secret.
func (r Receiver) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// mark is what the memory has in place of the receiver.
func (r *Receiver) mark() string {
	secret := r.cmd
	if r.url != nil {
		secret = r.url.String()
	}
	sum := sha256.Sum256([]byte(r.kind + ":" + secret))
	return r.kind + "-" + hex.EncodeToString(sum[:6])
}
