package archive_test

import (
	"os"
	"testing"

	"example.com/rotatelog/internal/memdir"
)

func TestMain(m *testing.M) { os.Exit(memdir.Run(m)) }
