package rotatelog_test

import (
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
)

// isProof reports whether a request is about a throwaway object.
func isProof(key string) bool { return strings.Contains(key, "rotatelog-probe-") }

// prove has a store find out what the server does, before a test counts requests.
func prove(t *testing.T, store rotatelog.Store, srv *fakes3.Server) (text string) {
	t.Helper()
	text, err := store.(rotatelog.Prover).Prove(t.Context(), dayA, "")
	if err != nil {
		t.Fatalf("Prove: %v", err)
	}
	srv.Reset()
	return text
}

// exceptProofs returns a fault that leaves throwaway objects alone, and counts
// requests without theirs.
func exceptProofs(fault func(fakes3.Op) fakes3.Fault) func(fakes3.Op) fakes3.Fault {
	var mu sync.Mutex
	n := map[string]int{}
	return func(op fakes3.Op) fakes3.Fault {
		if isProof(op.Key) {
			return fakes3.Fault{}
		}
		mu.Lock()
		n[op.Name]++
		op.N = n[op.Name]
		mu.Unlock()
		return fault(op)
	}
}

// proofText is what a store at that host notes of a server that honours every
// condition, or, where change says so, of another.
func proofText(host string, change map[string]any) string {
	p := map[string]any{"proof": 1, "host": host, "bucket": testBucket, "time": time.Now(), "shared": false,
		"put": true, "multipart": true, "complete": true, "completeCreate": true}
	maps.Copy(p, change)
	b, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// mustBelieve has a store believe that the server honours every condition.
func mustBelieve(t *testing.T, store *rotatelog.S3Store, host string) {
	t.Helper()
	if _, err := store.Prove(t.Context(), "key", proofText(host, nil)); err != nil {
		t.Fatalf("Prove: %v", err)
	}
}
