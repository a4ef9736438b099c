package harden

import (
	"encoding/json"

	"github.com/vmgo/vmgo/internal/gobin/gather"
)

// halfway is the mode of a cell of programs of which some were moved: an interrupted
// change, which is made again. Other cells change in one step.
const halfway = 1

// ProgramsValue is the value of a cell of programs: where those of a bin are. Both values
// of a cell have the move itself, by the paths of this process.
func ProgramsValue(move gather.Programs, gathered bool) (Value, error) {
	text, err := json.Marshal(move)
	return Value{Present: gathered, Text: string(text)}, err
}

func (m *Machine) readPrograms(bin string, like Value) (Value, error) {
	var move gather.Programs
	if err := json.Unmarshal([]byte(like.Text), &move); err != nil {
		return Value{}, err
	}
	v := Value{Text: like.Text}
	switch move.State(m.real(bin)) {
	case gather.Gathered:
		v.Present = true
	case gather.Partly:
		v.Mode = halfway
	}
	if err := move.Unchanged(); v.Present && err != nil {
		return Value{}, err
	}
	return v, nil
}

func (m *Machine) writePrograms(c Change) error {
	var move gather.Programs
	if err := json.Unmarshal([]byte(c.To.Text), &move); err != nil {
		return err
	}
	if c.To.Present {
		return move.Apply(m.real(c.Target))
	}
	return move.Undo(m.real(c.Target))
}
