package rotatelog_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// TestErrorSaysWhatToDoOnce: the Hint is a field of its own, and stands once in the text,
// however the error is wrapped.
func TestErrorSaysWhatToDoOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxPendingBytes = 1 << 10
		b.open()
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: fs.ErrPermission} })
		b.append(1)
		err := b.Flush(t.Context())
		e, ok := errors.AsType[*rotatelog.Error](err)
		if !ok || e.Hint != "let the user that this runs as read and write there" || strings.Count(e.Error(), e.Hint) != 1 {
			t.Errorf("flush: %v", err)
		}
		_, err = b.Append(t.Context(), []byte(`{"a":"`+strings.Repeat("x", 2<<10)+`"}`))
		if e, ok = errors.AsType[*rotatelog.Error](err); !ok || e.Hint != "see why uploading fails" || strings.Count(e.Error(), e.Hint) != 1 || strings.Contains(e.Err.Error(), e.Hint) {
			t.Errorf("append: %v", err)
		}
		outer := &rotatelog.Error{Op: "restore", Key: "k", Err: fmt.Errorf("twice: %w", err), Hint: e.Hint}
		if strings.Count(outer.Error(), e.Hint) != 1 {
			t.Error(outer)
		}
	})
}
