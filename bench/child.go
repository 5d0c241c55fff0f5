package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime/metrics"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/s3store"
)

// childTask is the environment variable by which this program, when it starts itself,
// asks for one upload and a report of its memory.
const childTask = "ROTATELOG_BENCH_TASK"

// Task is one upload in its own process.
type Task struct {
	Way         string // rotatelog or script
	Server      Server
	Stream      Stream
	Fetch       int // bytes of a fetch
	Compression rotatelog.Compression
}

// Memory is how much a process took at most.
type Memory struct {
	Idle     int64 // bytes resident before there was anything to do
	Resident int64 // bytes resident at most, the program itself included
	Heap     int64 // bytes of objects on the heap at most, garbage included
}

// RunChild does the task in the environment, if there is one, and then ends the
// process.
func RunChild(ctx context.Context) {
	text := os.Getenv(childTask)
	if text == "" {
		return
	}
	var task Task
	err := json.Unmarshal([]byte(text), &task)
	var used Memory
	if err == nil {
		used, err = task.run(ctx)
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(used)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Start does the task in a new process, and returns how much memory it took.
func (t Task) Start(ctx context.Context) (used Memory, err error) {
	text, err := json.Marshal(t)
	if err != nil {
		return Memory{}, err
	}
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childTask+"="+string(text))
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	out, err := cmd.Output()
	if err != nil {
		return Memory{}, fmt.Errorf("%s in a process of its own: %w: %s", t.Way, err, trouble.Bytes())
	}
	return used, json.Unmarshal(out, &used)
}

func (t Task) run(ctx context.Context) (used Memory, err error) {
	feed := football.New(4, t.Fetch)
	used.Idle = highWater()
	watch := startHeapWatch()
	if t.Way == "script" {
		err = t.script(ctx, feed)
	} else {
		err = t.library(ctx, feed)
	}
	used.Heap = watch.stop()
	used.Resident = highWater()
	return used, err
}

func (t Task) library(ctx context.Context, feed *football.Feed) error {
	client := t.Server.Client(new(Requests))
	store, err := s3store.New(client, t.Server.Bucket, s3store.Options{})
	if err != nil {
		return err
	}
	cfg := t.Stream.Config(store, os.Stderr)
	cfg.Compression = t.Compression
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer w.Close()
	for range fetches {
		if _, err := w.Append(ctx, feed.Next()); err != nil {
			return err
		}
	}
	return w.Drain(ctx)
}

func (t Task) script(ctx context.Context, feed *football.Feed) error {
	return Script{t.Server.Client(new(Requests)), t.Server.Bucket, t.Stream.Key()}.Upload(ctx, nextBatch(feed), football.Start())
}

func nextBatch(feed *football.Feed) (batch [][]byte) {
	for range fetches {
		batch = append(batch, feed.Next())
	}
	return batch
}

// heapWatch looks at the heap every millisecond.
type heapWatch struct {
	ended   chan struct{}
	looking sync.WaitGroup
	peak    uint64
}

func startHeapWatch() *heapWatch {
	w := &heapWatch{ended: make(chan struct{})}
	w.looking.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for {
			metrics.Read(sample)
			w.peak = max(w.peak, sample[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-w.ended:
				return
			}
		}
	})
	return w
}

// stop returns the most that was seen.
func (w *heapWatch) stop() int64 {
	close(w.ended)
	w.looking.Wait()
	return int64(w.peak)
}

// highWater returns the most that was ever resident of this process, or 0 if the
// system does not say.
func highWater() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kb int64
	for line := range bytes.Lines(status) {
		if text, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			fmt.Sscan(string(text), &kb)
		}
	}
	return kb << 10
}
