package cloudwatch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
)

// expression is metric math: numbers, metrics' Ids, + - * / and parentheses, of
// CloudWatch's
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html).
// They have the precedence that they have in Go, whose parser reads them.
type expression struct{ root ast.Expr }

func parseExpression(text string) (expression, error) {
	root, err := parser.ParseExpr(text)
	if err != nil {
		return expression{}, fmt.Errorf("the sandbox cannot read the Expression %q: %w", text, err)
	}
	if !arithmetic(root) {
		return expression{}, fmt.Errorf("the Expression %q has more than the sandbox knows: numbers, Ids, + - * / and parentheses", text)
	}
	return expression{root}, nil
}

func arithmetic(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return true
	case *ast.BasicLit:
		return e.Kind == token.INT || e.Kind == token.FLOAT
	case *ast.ParenExpr:
		return arithmetic(e.X)
	case *ast.UnaryExpr:
		return e.Op == token.SUB && arithmetic(e.X)
	case *ast.BinaryExpr:
		switch e.Op {
		case token.ADD, token.SUB, token.MUL, token.QUO:
			return arithmetic(e.X) && arithmetic(e.Y)
		}
	}
	return false
}

// ids are the metrics that the expression names.
func (e expression) ids() (list []string) {
	ast.Inspect(e.root, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			list = append(list, id.Name)
		}
		return true
	})
	return list
}

// value computes the expression; it has none where a metric has none, or where
// something is divided by zero.
func (e expression) value(of func(id string) (float64, bool)) (float64, bool) {
	return compute(e.root, of)
}

func compute(e ast.Expr, of func(id string) (float64, bool)) (float64, bool) {
	switch e := e.(type) {
	case *ast.Ident:
		return of(e.Name)
	case *ast.BasicLit:
		n, err := strconv.ParseFloat(e.Value, 64)
		return n, err == nil
	case *ast.ParenExpr:
		return compute(e.X, of)
	case *ast.UnaryExpr:
		n, ok := compute(e.X, of)
		return -n, ok
	case *ast.BinaryExpr:
		x, okX := compute(e.X, of)
		y, okY := compute(e.Y, of)
		if !okX || !okY {
			return 0, false
		}
		switch e.Op {
		case token.ADD:
			return x + y, true
		case token.SUB:
			return x - y, true
		case token.MUL:
			return x * y, true
		}
		return x / y, y != 0
	}
	return 0, false
}
