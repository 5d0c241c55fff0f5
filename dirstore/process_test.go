package dirstore_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
)

// These variables make the test binary a process that works on a Store.
const (
	countIn  = "ROTATELOG_TEST_COUNT_IN"  // a directory: increments a counter there
	scrawlIn = "ROTATELOG_TEST_SCRAWL_IN" // a directory: writes until it is killed
)

// child starts this test again as a process of its own.
func child(t *testing.T, variable, dir string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestProcessesShareAnObject(t *testing.T) {
	const processes, increments = 3, 20
	if dir := os.Getenv(countIn); dir != "" {
		s := openStore(t, dir)
		for range increments {
			increment(t, s)
		}
		return
	}
	dir := t.TempDir()
	s := openStore(t, dir)
	writeObject(t, s, "counter", "", "0", map[string]string{"count": "0"})
	var cmds []*exec.Cmd
	for range processes {
		cmd := child(t, countIn, dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for range increments { // this process is one more
		increment(t, s)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("a process failed: %v", err)
		}
	}
	wantFile(t, filepath.Join(dir, "counter"), fmt.Sprint((processes+1)*increments))
}

// increment adds 1 to the counter. The metadata has a copy of it.
func increment(t *testing.T, s *dirstore.Store) {
	for {
		o := statObject(t, s, "counter")
		r, err := s.Read(t.Context(), "counter", o.Version, 0, -1)
		if errors.Is(err, rotatelog.ErrConflict) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		n, convErr := strconv.Atoi(string(b))
		if err = errors.Join(err, convErr); err != nil {
			t.Fatal(err)
		}
		if o.Meta["count"] != string(b) {
			t.Fatalf("the counter is %s, in its metadata %v", b, o.Meta)
		}
		next := fmt.Sprint(n + 1)
		err = s.Write(t.Context(), "counter", o.Version, text(next), map[string]string{"count": next})
		if err == nil {
			return
		}
		if !errors.Is(err, rotatelog.ErrConflict) {
			t.Fatal(err)
		}
	}
}

// A process that is killed leaves a whole version with its own metadata, and
// nothing that blocks the next writer.
func TestKilledWriterLeavesAWholeVersion(t *testing.T) {
	scrawl := func(n int) string { return strings.Repeat(fmt.Sprintf("%09d\n", n), 10_000) }
	if dir := os.Getenv(scrawlIn); dir != "" {
		s := openStore(t, dir)
		for n := 0; ; n++ {
			o := statObject(t, s, "day.json")
			writeObject(t, s, "day.json", o.Version, scrawl(n), map[string]string{"n": fmt.Sprint(n)})
			fmt.Println(n)
		}
	}
	dir := t.TempDir()
	writeObject(t, openStore(t, dir), "day.json", "", scrawl(0), map[string]string{"n": "0"})
	for round := range 5 {
		cmd := child(t, scrawlIn, dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 2 + round {
			if !lines.Scan() {
				t.Fatal("the process wrote nothing")
			}
		}
		cmd.Process.Kill()
		cmd.Wait()

		s := openStore(t, dir)
		if got := files(t, filepath.Join(dir, ".rotatelog", "new")); len(got) != 0 {
			t.Errorf("temporary files are left: %q", got)
		}
		o := statObject(t, s, "day.json")
		n, err := strconv.Atoi(o.Meta["n"])
		if err != nil {
			t.Fatalf("the metadata is %v: %v", o.Meta, err)
		}
		wantFile(t, filepath.Join(dir, "day.json"), scrawl(n))
		writeObject(t, s, "day.json", o.Version, scrawl(n), o.Meta)
	}
}
