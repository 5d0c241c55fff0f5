package hint

import (
	"errors"
	"fmt"
	"testing"
)

func TestSplit(t *testing.T) {
	cause := errors.New("it is full")
	err := Add(cause, "make room")
	if err.Error() != "it is full; make room" || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	if h, c := Split(err); c != cause || h != "make room" {
		t.Errorf("%v, %q", c, h)
	}
	wrapped := fmt.Errorf("the disk: %w", err)
	if h, c := Split(wrapped); c != wrapped || h != "make room" {
		t.Errorf("wrapped: %v, %q", c, h)
	}
	if h, c := Split(cause); c != cause || h != "" {
		t.Errorf("without: %v, %q", c, h)
	}
}
