import COpenBLAS

/// A matrix of Float64, column after column, as BLAS and LAPACK have it.
struct ColumnMatrix {
    let rows: Int
    let columns: Int
    /// rows · columns numbers.
    private(set) var values: [Double]

    /// Zeros.
    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        values = [Double](repeating: 0, count: rows * columns)
        // The pool's first use sets OpenBLAS to one thread, which keeps the bits the same.
        _ = Threads.count
    }

    /// A matrix given row after row.
    init(rowMajor given: [Float], rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns)
        given.withUnsafeBufferPointer { given in
            if let start = given.baseAddress { load(rowMajor: start) }
        }
    }

    /// Takes rows · columns numbers that stand row after row.
    mutating func load(rowMajor given: UnsafePointer<Float>) {
        let (rows, columns) = (rows, columns)
        values.withUnsafeMutableBufferPointer { values in
            for column in 0..<columns {
                for row in 0..<rows { values[column * rows + row] = Double(given[row * columns + column]) }
            }
        }
    }

    /// Gives its numbers row after row.
    func store(rowMajor result: UnsafeMutablePointer<Float>) {
        values.withUnsafeBufferPointer { values in
            for row in 0..<rows {
                for column in 0..<columns { result[row * columns + column] = Float(values[column * rows + row]) }
            }
        }
    }

    static func identity(_ size: Int) -> ColumnMatrix {
        var result = ColumnMatrix(rows: size, columns: size)
        for place in 0..<size { result[place, place] = 1 }
        return result
    }

    subscript(_ row: Int, _ column: Int) -> Double {
        get { values[column * rows + row] }
        set { values[column * rows + row] = newValue }
    }

    func column(_ column: Int) -> ArraySlice<Double> { values[column * rows..<(column + 1) * rows] }

    /// Row after row, as f32.
    var rowMajor: [Float] {
        [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
            if let start = buffer.baseAddress { store(rowMajor: start) }
            count = values.count
        }
    }
}

// MARK: - Products

extension ColumnMatrix {
    /// self · other.
    func times(_ other: ColumnMatrix) -> ColumnMatrix {
        var result = ColumnMatrix(rows: rows, columns: other.columns)
        result.set(self, other)
        return result
    }

    /// self ← factor · op(a) · op(b) + kept · self, where op turns what is said to be turned.
    mutating func set(
        factor: Double = 1, _ a: ColumnMatrix, turned turnsA: Bool = false, _ b: ColumnMatrix,
        secondTurned turnsB: Bool = false,
        keeping kept: Double = 0
    ) {
        let (m, n, k) = (blasint(rows), blasint(columns), blasint(turnsA ? a.rows : a.columns))
        guard m > 0, n > 0, k > 0 else { return scale(by: kept) }
        cblas_dgemm(
            CblasColMajor, turnsA ? CblasTrans : CblasNoTrans, turnsB ? CblasTrans : CblasNoTrans, m, n, k, factor,
            a.values, blasint(a.rows), b.values, blasint(b.rows), kept, &values, m)
    }

    /// The upper triangle of self ← that of aᵀ · a; what is below stays.
    mutating func setUpperGram(_ a: ColumnMatrix) {
        guard a.rows > 0, rows > 0 else { return }
        let (n, k) = (blasint(rows), blasint(a.rows))
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasTrans, n, k, 1, a.values, k, 0, &values, n)
    }

    /// self ← op(upper)⁻¹ · self, of which the triangle on and above the diagonal is read.
    mutating func solve(upper: ColumnMatrix, turned: Bool = false) {
        guard rows > 0, columns > 0 else { return }
        cblas_dtrsm(
            CblasColMajor, CblasLeft, CblasUpper, turned ? CblasTrans : CblasNoTrans, CblasNonUnit, blasint(rows),
            blasint(columns), 1, upper.values, blasint(upper.rows), &values, blasint(rows))
    }

    /// self ← self + factor · other.
    mutating func add(_ factor: Double, _ other: ColumnMatrix) {
        cblas_daxpy(blasint(values.count), factor, other.values, 1, &values, 1)
    }

    mutating func scale(by factor: Double) { cblas_dscal(blasint(values.count), factor, &values, 1) }

    mutating func scale(column: Int, by factor: Double) {
        values.withUnsafeMutableBufferPointer { values in
            for place in column * rows..<(column + 1) * rows { values[place] *= factor }
        }
    }

    mutating func scale(row: Int, by factor: Double) {
        for column in 0..<columns { values[column * rows + row] *= factor }
    }

    /// The largest sum of magnitudes in a column.
    private var norm: Double {
        (0..<columns).reduce(0) { largest, column in
            max(
                largest,
                values.withUnsafeBufferPointer { values in
                    values.baseAddress.map { cblas_dasum(blasint(rows), $0 + column * rows, 1) } ?? 0
                })
        }
    }

    /// exp(self) of a square matrix: the series of self / 2ˢ up to its 15th power, squared s times.
    ///
    /// With s so that the norm is below 1/2, what is left out is below 10⁻¹⁸. The series takes six products:
    /// B₀ + A⁴ (B₁ + A⁴ (B₂ + A⁴ B₃)),   B_j = Σ_{i<4} Aⁱ / (4j + i)!
    func exponential() -> ColumnMatrix {
        let norm = norm
        guard norm > 0 else { return .identity(rows) }
        let halvings = max(0, Int(norm.exponent) + 2)
        var scaled = self
        scaled.scale(by: Double(sign: .plus, exponent: -halvings, significand: 1))
        var powers = [ColumnMatrix.identity(rows), scaled]
        for _ in 2...4 { powers.append(powers[powers.count - 1].times(scaled)) }
        var sum = ColumnMatrix(rows: rows, columns: rows)
        for block in (0..<4).reversed() {
            if block < 3 { sum = powers[4].times(sum) }
            for place in 0..<4 {
                let factorial = (1...max(1, 4 * block + place)).reduce(1.0) { $0 * Double($1) }
                sum.add(1 / factorial, powers[place])
            }
        }
        powers = []
        for _ in 0..<halvings { sum = sum.times(sum) }
        return sum
    }
}

// MARK: - Reflectors

/// Gives a tall matrix the Q of its QR decomposition whose triangular factor has a positive diagonal; its room is its own.
struct Orthonormaliser {
    private var factors: [Double]
    private var signs: [Double]
    private var work: [Double]

    init(columns: Int) {
        factors = [Double](repeating: 0, count: columns)
        signs = factors
        work = [Double](repeating: 0, count: max(1, columns * 64))
    }

    mutating func orthonormalise(_ matrix: inout ColumnMatrix) { matrix.orthonormalise(&factors, &signs, &work) }
}

extension ColumnMatrix {
    fileprivate mutating func orthonormalise(
        _ factors: inout [Double], _ signs: inout [Double], _ work: inout [Double]
    ) {
        var (m, n, k) = (CInt(rows), CInt(columns), CInt(columns))
        var (lead, workCount, info) = (CInt(max(1, rows)), CInt(work.count), CInt(0))
        dgeqrf_(&m, &n, &values, &lead, &factors, &work, &workCount, &info)
        for column in 0..<columns { signs[column] = self[column, column] < 0 ? -1 : 1 }
        dorgqr_(&m, &n, &k, &values, &lead, factors, &work, &workCount, &info)
        for column in 0..<columns where signs[column] < 0 { scale(column: column, by: -1) }
    }

    /// The QR decomposition of a tall matrix: reflectors below the diagonal, and their factors.
    func decomposed() -> (reflectors: ColumnMatrix, factors: [Double]) {
        var result = self
        var factors = [Double](repeating: 0, count: columns)
        var (m, n, lead, info) = (CInt(rows), CInt(columns), CInt(max(1, rows)), CInt(0))
        var workCount = CInt(max(1, columns * 64))
        var work = [Double](repeating: 0, count: Int(workCount))
        dgeqrf_(&m, &n, &result.values, &lead, &factors, &work, &workCount, &info)
        return (result, factors)
    }

    /// The first `count` columns of H₁ H₂ ⋯, with H_i = 1 − factor_i v vᵀ and v column i below the diagonal, where it has 1.
    func reflectorProduct(factors: [Double], columns count: Int) -> ColumnMatrix {
        var result = ColumnMatrix(rows: rows, columns: count)
        result.values.replaceSubrange(0..<values.count, with: values)
        var (m, n, k) = (CInt(rows), CInt(count), CInt(columns))
        var (lead, info) = (CInt(max(1, rows)), CInt(0))
        var workCount = CInt(max(1, count * 64))
        var work = [Double](repeating: 0, count: Int(workCount))
        dorgqr_(&m, &n, &k, &result.values, &lead, factors, &work, &workCount, &info)
        return result
    }
}
