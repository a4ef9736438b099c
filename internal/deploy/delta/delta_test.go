package delta

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
)

func TestWrite_sendsTheDifference(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	base := make([]byte, 3<<20)
	for i := range base {
		base[i] = byte(random.Uint32())
	}
	content := append(append(append([]byte{}, base[:1<<20]...), "a change"...), base[1<<20:]...)
	for _, dictionary := range [][]byte{nil, base} {
		var sent bytes.Buffer
		if err := Write(&sent, bytes.NewReader(content), int64(len(content)), dictionary); err != nil {
			t.Fatal(err)
		}
		size := sent.Len()
		reader, err := Reader(&sent, dictionary)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes come back, %v", len(got), err)
		}
		if dictionary != nil && size > len(content)/50 {
			t.Errorf("%d bytes for a change of 8", size)
		}
	}
}
