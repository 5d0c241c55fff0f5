package rotatelog_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
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
			synctest.Test(t, func(t *testing.T) { simulate(t, seed, true, false) })
		})
	}
}

// bucketObjects is a bucket, seen through the client and from inside.
type bucketObjects struct {
	*s3store.Store
	server *fakes3.Server
}

// simLeastPart is the part limit of the simulation, small so that days exceed it
// soon.
const simLeastPart = 300

func (s *sim) newBucketObjects(blind, shared bool) bucketObjects {
	profiles := []fakes3.Profile{fakes3.Linode(), fakes3.Linode(), fakes3.RGW20(), fakes3.Strict(), fakes3.MinIO()}
	if blind {
		profiles = []fakes3.Profile{fakes3.NoConditions(), fakes3.B2()}
	}
	rng := s.draw("profile")
	profile := profiles[rng.IntN(len(profiles))]
	shared = shared || !blind && rng.IntN(4) == 0
	s.note("profile %s, shared %v", profile.Name, shared)
	server, client := s3test.NewFake(fakes3.Options{Profile: profile, MinPartSize: simLeastPart})
	server.Fault = func(op fakes3.Op) fakes3.Fault {
		s.judgeRequest(op, profile)
		return s.wireFault(op, profile)
	}
	opts := s3test.SmallParts(s3store.Options{Shared: shared, TempDir: s.t.TempDir()}, simLeastPart)
	return bucketObjects{s3test.NewStore(client, opts), server}
}

// isProbe reports whether a key belongs to a probe of the server.
func isProbe(key string) bool { return strings.Contains(key, "rotatelog-probe-") }

// judgeRequest wants every PutObject to a day's object to have a condition, and none
// where conditions do not work: nobody could find out later whether it may still be
// executed, over what was written since.
func (s *sim) judgeRequest(op fakes3.Op, profile fakes3.Profile) {
	switch {
	case op.Name != "PutObject" || isProbe(op.Key):
	case profile.Put != fakes3.Honoured:
		s.t.Errorf("a PutObject to %s, where the server does not honour its condition (If-Match %q, If-None-Match %q)", op.Key, op.IfMatch, op.IfNoneMatch)
	case op.IfMatch == "" && op.IfNoneMatch == "":
		s.t.Errorf("a PutObject to %s without a condition", op.Key)
	}
}

// wireFault decides what becomes of a request. Faults are of the network, so they
// may strike any host while one has them.
func (s *sim) wireFault(op fakes3.Op, profile fakes3.Profile) fakes3.Fault {
	trouble := 0.0
	s.mu.Lock()
	for _, h := range s.hosts {
		trouble = max(trouble, h.storeTrouble/2)
	}
	s.mu.Unlock()
	last := op.Name == "PutObject" || op.Name == "CompleteMultipartUpload" // what takes effect
	if !last {
		trouble /= 3 // or hardly a write would come that far
	}
	rng := s.draw(fmt.Sprint("wire", op.Name, op.N))
	if rng.Float64() >= trouble {
		return fakes3.Fault{}
	}
	var f fakes3.Fault
	switch {
	case last:
		f = s.lastFault(op, rng)
	case op.Name == "HeadObject" || op.Name == "GetObject":
		f = readFault(op, rng)
	default:
		f = plainFault(rng)
	}
	if (f.Reply.Status == 409 || f.Reply.Status == 412) && isProbe(op.Key) && !honoured(op, profile) {
		// A server that ignores conditions would seem to honour them, and no proof
		// could find that out.
		return fakes3.Fault{}
	}
	return f
}

// honoured reports whether the server honours the conditions of a request.
func honoured(op fakes3.Op, profile fakes3.Profile) bool {
	how := map[string]fakes3.Conditions{
		"PutObject": profile.Put, "CompleteMultipartUpload": profile.Complete,
		"DeleteObject": profile.Delete, "UploadPartCopy": profile.CopySource,
	}
	return how[op.Name] == fakes3.Honoured
}

// plainFault is a fault that any request may have.
func plainFault(rng *rand.Rand) fakes3.Fault {
	switch rng.IntN(8) {
	case 0:
		return fakes3.Fault{Drop: true}
	case 1:
		return fakes3.Fault{Drop: true, After: true}
	case 2:
		return fakes3.Fault{Reply: fakes3.Error{Status: 500 + 3*rng.IntN(2)}}
	case 3:
		return fakes3.Fault{Reply: fakes3.Error{Status: 500}, After: true}
	case 4:
		return fakes3.Fault{Reply: conflict(rng)}
	case 5:
		return fakes3.Fault{Reply: conflict(rng), After: true}
	}
	return fakes3.Fault{Delay: time.Duration(rng.IntN(100)) * time.Second}
}

// conflict is the answer to a request whose condition does not hold, true or not.
func conflict(rng *rand.Rand) fakes3.Error {
	return fakes3.Error{Status: []int{409, 412}[rng.IntN(2)]}
}

// readFault is what may become of a look: it may say that there is no object, as a
// proxy does, or describe an old one, as a cache does.
func readFault(op fakes3.Op, rng *rand.Rand) fakes3.Fault {
	switch n := rng.IntN(6); {
	case n == 0:
		return fakes3.Fault{Absent: true}
	case n == 1 && op.Name == "HeadObject":
		return fakes3.Fault{Stale: 1 + rng.IntN(3)}
	case n == 1:
		return fakes3.Fault{Torn: true, Delay: time.Duration(rng.IntN(25)) * time.Second}
	}
	return plainFault(rng)
}

// lastFault is what may become of a request that takes effect: it may do so much
// later, or leave something open.
func (s *sim) lastFault(op fakes3.Op, rng *rand.Rand) fakes3.Fault {
	switch n := rng.IntN(10); {
	case n == 0 && op.Name == "CompleteMultipartUpload":
		return fakes3.Fault{Linger: true, Drop: rng.IntN(2) == 0, After: true}
	case n < 4:
		s.recordLate()
		return fakes3.Fault{Later: true, Reply: fakes3.Error{Status: []int{503, 503, 409, 412}[rng.IntN(4)]}}
	case n < 6:
		return fakes3.Fault{Reply: conflict(rng), After: n == 5}
	}
	return plainFault(rng)
}

// Keys leaves out the objects of probes.
func (b bucketObjects) Keys() []string {
	return slices.DeleteFunc(b.server.Keys(s3test.Bucket), isProbe)
}

func (b bucketObjects) Bytes(key string) []byte {
	content, _, _ := b.server.Object(s3test.Bucket, key)
	return content
}
