package rotatelog_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
)

var simS3Seeds = flag.Int("sim.s3seeds", 25, "how many seeds of the simulation to run over S3")

// TestSimulationS3 is TestSimulation with the real S3 client and a server for
// tests below it, without sockets.
func TestSimulationS3(t *testing.T) {
	first, n := uint64(1), *simS3Seeds
	if *simSeed != 0 {
		first, n = *simSeed, 1
	}
	if testing.Short() {
		n = min(n, 5)
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

func newBucketObjects(blind, shared bool) bucketObjects {
	profile := fakes3.Linode()
	if blind {
		profile = fakes3.NoConditions()
	}
	server, client := newFakeS3(fakes3.Options{Profile: profile})
	return bucketObjects{rotatelog.NewS3Store(client, testBucket, rotatelog.S3Options{Shared: shared}), server}
}

// Keys leaves out what is there only to find out what the server does.
func (b bucketObjects) Keys() []string {
	return slices.DeleteFunc(b.server.Keys(testBucket), func(key string) bool { return strings.Contains(key, "rotatelog-probe-") })
}

func (b bucketObjects) Bytes(key string) []byte {
	content, _, _ := b.server.Object(testBucket, key)
	return content
}
