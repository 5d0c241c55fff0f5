package rotatelog_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mutation is a defect: in file, old becomes new.
type mutation struct {
	name      string
	file      string
	old, new  string
	run, args string // tests that catch it at the usual depth, and flags that leave some of it out
}

const (
	simulation = "^TestSimulation$"
	twoSeals   = "^TestCrash$/two_seals"
	atOnce     = "^TestCrash$/batches_at_once"
	clockSet   = "^TestCrash$/clock_set"
	faults     = "^TestCrashAfterFault$/restart"
	midnight   = "^TestCrashAfterFault$/midnight"
	alikeRuns  = "^TestCrashWithEqualBatches$"
	between    = "^TestCrashBetween"
)

// mutations are the defects that the tests must notice.
func mutations() []mutation {
	return slices.Concat(defectsOfDisk(), defectsOfUploads(), defectsOfS3Store(), defectsOfArchive(), defectsOfOperation())
}

// TestMutationsApply: each defect can be put into the code as it is, and what
// notices it tries no more than an ordinary run does.
func TestMutationsApply(t *testing.T) {
	for _, m := range mutations() {
		mutated(t, m)
		m.packages(t)
		for _, arg := range strings.Fields(m.args) {
			n, err := strconv.Atoi(strings.TrimPrefix(arg, "-sim.seeds="))
			if err != nil || m.run != simulation || n > usualSeeds {
				t.Errorf("%s: %s is not part of an ordinary run of %s", m.name, arg, m.run)
			}
		}
	}
}

// packages returns where the tests that catch it are: beside the file, or in the root.
func (m mutation) packages(t *testing.T) []string {
	t.Helper()
	names := regexp.MustCompile(`Test\w+`).FindAllString(m.run, -1)
	var found []string
	for _, dir := range slices.Compact([]string{".", filepath.Dir(m.file)}) {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(files, func(file string) bool {
			source, err := os.ReadFile(file)
			return err == nil && slices.ContainsFunc(names, func(name string) bool {
				return bytes.Contains(source, []byte("\nfunc "+name))
			})
		}) {
			found = append(found, "./"+dir)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s: there is no test %s", m.name, m.run)
	}
	return found
}

// mutated returns the file with the defect.
func mutated(t *testing.T, m mutation) string {
	t.Helper()
	source, err := os.ReadFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		t.Fatalf("the mutation %q no longer applies: %s has %d times %q", m.name, m.file, n, m.old)
	}
	return strings.Replace(string(source), m.old, m.new, 1)
}
