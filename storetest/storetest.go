// Package storetest holds what a test needs around a [rotatelog.Store]: a
// conformance suite for any Store, one in memory, and one that fails on demand.
//
// The author of a Store runs the suite:
//
//	func TestMyStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) rotatelog.Store { return newMyStore(t) })
//	}
//
// The user of rotatelog gives [NewMem], or a [Faulty] around it, to a Writer
// under test.
package storetest

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
)

// Run proves that what open returns keeps the contract of [rotatelog.Store], and
// that of [rotatelog.Multipart] if it is one; if not, those subtests are skipped.
// Each subtest is named by the sentence of the contract that it proves.
//
// open is called once for each subtest, and may return the same Store, or
// another one of the same bucket, every time: the keys of a subtest start with
// "storetest/" and a random word of its own. A Store cannot delete, so about a
// hundred objects stay behind, of 5 MB together, and seven of LeastCopy each for a
// [rotatelog.Multipart]; give a real bucket a lifecycle rule for that prefix, or
// throw it away.
//
// Where writers compete, a Write may answer with an error that says nothing, as
// the contract allows, and its effect is looked for. Where nothing competes,
// the answer must be exact. A network that fails is a failed test.
//
// A Store may lose metadata. The subtests about it are skipped for one that
// does, and say so.
func Run(t *testing.T, open func(t *testing.T) rotatelog.Store) {
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, open(t), "storetest/"+strings.ToLower(rand.Text())+"/")
		})
	}
}

func allCases() []testCase { return slices.Concat(cases, multipartCases) }

// testCase is one sentence of the contract. run is given a Store in which no
// key has the prefix, and uses of t no more than recorder implements.
type testCase struct {
	name string
	run  func(t testing.TB, s rotatelog.Store, prefix string)
}

var cases = []testCase{
	{"Stat must match fs.ErrNotExist if, and only if, there is no object", statAbsence},
	{"Stat describes the current version", statCurrent},
	{"no Store may return the zero Version with a nil error", zeroVersion},
	{"versions with different contents must have different Versions", versionsDiffer},
	{"all of an Object must belong to one version", objectWhole},

	{"Read returns n bytes at off", readRanges},
	{"a negative n means all from off on", readRest},
	{"a range that goes past the end must be an error", readPastEnd},
	{"Read of a version that is no longer current must match ErrConflict", readStale},
	{"the reader must never yield bytes of another version", readReplaced},

	{"Write replaces the object by the concatenation of parts", writeParts},
	{"a large object is kept whole", writeLarge},
	{"many parts are as good as one", writeManyParts},
	{"a copy of what the old version does not have is an error, and changes nothing", writeBadCopy},
	{"the zero Version means that there must be no object", writeCreate},
	{"Write applies if, and only if, the current version is old", writeReplace},
	{"Write must not change or keep parts, their Data, or meta", writeKeepsNothing},

	{"metadata is as written, and of its version", metaReplaced},
	{"metadata may be any printable ASCII, of nearly 2 KB", metaLarge},

	{"a Store is a map from key to object", keysApart},
	{"every method must return soon after ctx is done", contextDone},

	{"readers must see the version before or the version after, whole", readersSeeWhole},
	{"of concurrent writes over one version at most one is applied", writersRace},
	{"concurrent appends lose nothing", appendersRace},
}
