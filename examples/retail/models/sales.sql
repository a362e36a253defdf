-- Lines that sold something: cancellations (C...), corrections (A...) and gifts are left out.
SELECT
  InvoiceNo,
  StockCode,
  CustomerID,
  Country,
  InvoiceDate,
  Quantity,
  UnitPrice,
  Quantity * UnitPrice AS amount
FROM invoice_lines
WHERE InvoiceNo NOT LIKE 'C%' AND Quantity > 0 AND UnitPrice > 0
