package s3store

import (
	"strings"
	"testing"
)

// TestContentionIsNotDiagnosed: that another request was faster is not a fault of
// the provider.
func TestContentionIsNotDiagnosed(t *testing.T) {
	for _, code := range []string{"OperationAborted", "ConcurrentModification", "ConditionalRequestConflict", ""} {
		d := diagnosePassing(409, code)
		if d.permanent || d.cause != "another request for the object is under way" || strings.Contains(d.remedy, "status page") {
			t.Errorf("409 %s: %+v", code, d)
		}
	}
	if d := diagnosePassing(412, "PreconditionFailed"); d != (diagnosis{}) {
		t.Errorf("412: %+v", d)
	}
}
