import CKernels
import Testing

/// All kernel tests: one after another, since the instruction set and the thread count are global.
@Suite(.serialized) enum KernelTests {}

/// Runs the body once on each instruction set of this processor, and restores the choice.
func onEachPath(_ body: (String) throws -> Void) rethrows {
    let before = ck_current_path()
    defer { _ = ck_force_path(before) }
    for path in [CK_PATH_PORTABLE, CK_PATH_AVX2, CK_PATH_AVX512] where ck_force_path(path) {
        try body(String(cString: ck_path_name(path)))
    }
}

/// Shapes with 0 and 1 rows and columns, columns around multiples of 16, and a gap between rows.
let oddShapes: [(rows: Int, cols: Int, gap: Int)] = [
    (0, 5, 0), (3, 0, 2), (1, 1, 0), (1, 7, 0), (5, 1, 3), (3, 15, 1), (2, 16, 0), (4, 33, 5), (7, 64, 0), (2, 130, 2),
]

extension KernelTests {
    @Suite struct DispatchTests {
        @Test func everyListedPathCanBeForced() {
            let before = ck_current_path()
            defer { _ = ck_force_path(before) }
            #expect(ck_force_path(CK_PATH_PORTABLE))
            #expect(ck_current_path() == CK_PATH_PORTABLE)
            #expect(ck_force_path(CK_PATH_AUTO))
            #expect(ck_current_path() != CK_PATH_AUTO)
            for path in [CK_PATH_AVX2, CK_PATH_AVX512] {
                let current = ck_current_path()
                #expect(ck_force_path(path) == ck_path_available(path))
                #expect(ck_current_path() == (ck_path_available(path) ? path : current))
            }
        }
    }
}
