package rotatelog_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
)

var simS3Seeds = flag.Int("sim.s3seeds", 0, "how many seeds of the simulation to run over S3; 0: as many as the depth of the tests asks for")

// TestSimulationS3 is TestSimulation with the real S3 client and a server for
// tests below it, without sockets.
func TestSimulationS3(t *testing.T) {
	first, n := uint64(1), seedsOr(*simS3Seeds, depth.N(5, 15, 25))
	if *simSeed != 0 {
		first, n = *simSeed, 1
	}
	for seed := first; seed < first+uint64(n); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { simulate(t, seed, true) })
		})
	}
}

// bucketObjects is a bucket, seen through the client and from inside.
type bucketObjects struct {
	*rotatelog.S3Store
	server *fakes3.Server
}

// simLeastPart is the part limit of the simulation: days pass it soon.
const simLeastPart = 300

func (s *sim) newBucketObjects(blind, shared bool) bucketObjects {
	profile := []fakes3.Profile{fakes3.Linode(), fakes3.Linode(), fakes3.RGW20(), fakes3.Strict(), fakes3.MinIO()}[s.draw("profile").IntN(5)]
	if blind {
		profile = fakes3.NoConditions()
	}
	s.note("profile %s", profile.Name)
	server, client := newFakeS3(fakes3.Options{Profile: profile, MinPartSize: simLeastPart})
	server.Fault = func(op fakes3.Op) fakes3.Fault { return s.wireFault(op, blind) }
	store := rotatelog.NewS3Store(client, testBucket, rotatelog.S3Options{Shared: shared, TempDir: s.t.TempDir()})
	return bucketObjects{rotatelog.SmallParts(store, simLeastPart), server}
}

// wireFault decides what becomes of a request that may change something. It is a
// matter of the network, so it may strike any host when one has trouble.
func (s *sim) wireFault(op fakes3.Op, blind bool) fakes3.Fault {
	trouble := 0.0
	s.mu.Lock()
	for _, h := range s.hosts {
		trouble = max(trouble, h.storeTrouble/2)
	}
	s.mu.Unlock()
	last := op.Name == "PutObject" || op.Name == "CompleteMultipartUpload" // what takes effect
	part := strings.Contains(op.Name, "Part") || strings.Contains(op.Name, "MultipartUpload")
	rng := s.draw(fmt.Sprint("wire", op.Name, op.N))
	if op.Name == "GetObject" && rng.Float64() < trouble {
		return fakes3.Fault{Torn: true, Delay: time.Duration(rng.IntN(25)) * time.Second}
	}
	if !last && !part || strings.Contains(op.Key, "rotatelog-probe-") || rng.Float64() >= trouble {
		return fakes3.Fault{}
	}
	switch n := rng.IntN(10); {
	case n == 0:
		return fakes3.Fault{Drop: true}
	case n == 1:
		return fakes3.Fault{Drop: true, After: true}
	case n == 2:
		return fakes3.Fault{Reply: fakes3.Error{Status: 500 + 3*rng.IntN(2)}}
	case n == 3:
		return fakes3.Fault{Reply: fakes3.Error{Status: 500}, After: true}
	case n == 4 && last:
		return fakes3.Fault{Reply: fakes3.Error{Status: []int{409, 412}[rng.IntN(2)]}, After: true}
	case n == 5 && op.Name == "CompleteMultipartUpload":
		return fakes3.Fault{Linger: true, Drop: rng.IntN(2) == 0, After: true}
	case n < 7 && last && !(blind && op.Name == "PutObject"): // or it would outlive its settling
		return fakes3.Fault{Later: true, Reply: fakes3.Error{Status: 503}}
	}
	return fakes3.Fault{Delay: time.Duration(rng.IntN(100)) * time.Second}
}

// Keys leaves out what is there only to find out what the server does.
func (b bucketObjects) Keys() []string {
	return slices.DeleteFunc(b.server.Keys(testBucket), func(key string) bool { return strings.Contains(key, "rotatelog-probe-") })
}

func (b bucketObjects) Bytes(key string) []byte {
	content, _, _ := b.server.Object(testBucket, key)
	return content
}
